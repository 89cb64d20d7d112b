"""Which format a file is in: those that read its beginning, and why each of the others does not."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset, clock
from venues.files import registry, scales
from venues.files.errors import FileCode
from venues.files.format import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from market.instrument import Instrument
    from venues.files.format import Part

_HEAD = 256 << 10
_WHOLE = (b"PAR1", b"ARRO", b"SQLi", b"\xff\xfe", b"\xfe\xff")  # containers that a beginning says nothing of
_GENESIS_NS = 1_230_940_800 * 10**9
_MINUTE_NS, _HOUR_NS = 60 * 10**9, 3_600 * 10**9
_DAY_NS = 86_400 * 10**9
MAPPED = "columns_"  # formats that need a column map


@dataclass(frozen=True, slots=True)
class Guess:
    """The formats that read the beginning, and the problem of each other one."""

    fitting: tuple[str, ...]
    problems: Mapping[str, TickhouseError]

    def best(self, path: str) -> tuple[str, ...]:
        """Of several, those that the path names (`kraken/trades_csv`, `BTCUSDT-aggTrades-2024`), else all."""
        plain = path.lower().replace("-", "").replace("_", "")

        def named(name: str) -> int:
            return sum(word in plain for word in name.split("_"))

        most = max((named(name) for name in self.fitting), default=0)
        return tuple(name for name in self.fitting if named(name) == most)


def guess(name: str, content: IO[bytes], life: Instrument, options: Mapping[str, Any]) -> Guess:
    """Tries every registered format on the file's beginning; those under a column map only where a map is given."""
    head, whole = _beginning(content)
    fitting, problems = [], {}
    for known in registry.names():
        if known.startswith(MAPPED) and "columns" not in options:
            continue
        try:
            _try(known, name, head, life, options, whole=whole)
            fitting.append(known)
        except TickhouseError as error:
            problems[known] = error
    return Guess(tuple(fitting), problems)


def _try(known: str, name: str, head: bytes, life: Instrument, options: Mapping[str, Any], *, whole: bool) -> None:
    def read(sized: Instrument, more: Mapping[str, Any]) -> Iterator[Part]:
        for place, part in enumerate(registry.get(known).read(Opened(name, io.BytesIO(head), sized, more))):
            yield part
            if place >= 3:
                return

    found = scales.smallest(read, life, options)
    rows = 0
    sized = replace(life, price_scale=found.price, qty_scale=found.qty)
    for part in read(sized, {**options, **found.options}):
        rows += part.frame.height
        _plausible(name, part)
    if not rows:
        problem = "no rows" if whole else "no rows in its beginning"
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=name, problem=problem, excerpt="")


def _plausible(name: str, part: Part) -> None:
    """FILE_NOT_DATA where half of the rows lie before there was a market or after now, or are not what they seem."""
    frame = part.frame
    stamps = frame[clock(part.dataset)]
    middle = stamps.median()
    problem = ""
    if isinstance(middle, float) and not _GENESIS_NS <= middle <= time.time_ns() + _DAY_NS:
        problem = "its times lie before 2009 or after today"
    elif part.dataset is Dataset.FUNDING_RATES:
        # Funding is settled on the hour; a trade's quantity in the place of a rate is not.
        hourly = ((stamps + _MINUTE_NS) % _HOUR_NS <= 2 * _MINUTE_NS).mean()
        problem = "" if isinstance(hourly, float) and hourly > 0.5 else "its times are not on the hour"
    elif part.dataset is Dataset.BARS:
        sane = frame.select(
            ((pl.col("high") >= pl.max_horizontal("open", "close")) & (pl.col("low") <= pl.col("high"))).mean()
        ).item()
        problem = "" if sane is None or sane > 0.5 else "its highs are not above its opens and closes"
    if problem:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=name, problem=problem, excerpt="")


def _beginning(content: IO[bytes]) -> tuple[bytes, bool]:
    """The first lines, or all of a container; and whether it is all."""
    head = content.read(_HEAD)
    if len(head) < _HEAD:
        return head, True
    if head[:4] in _WHOLE or head[:2] in _WHOLE or head[:1] == b"[":
        return head + content.read(), True
    return head[: head.rfind(b"\n") + 1] or head, False
