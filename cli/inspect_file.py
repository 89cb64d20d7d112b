"""What is in a file, as an ingest would read it: its format, its scales, its rows and what the quality suite says."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset, clock, label
from market.instrument import Instrument, InstrumentKind
from venues.errors import VenueCode

if TYPE_CHECKING:
    from quality.gate import Finding
    from venues.files.format import Part
    from venues.files.guess import Guess
    from venues.files.scales import Scales

_SECOND = 1_000_000_000
_DAY_NS = 86_400 * _SECOND
_ON_A_GRID = {Dataset.BARS, Dataset.FUNDING_RATES, Dataset.OPEN_INTEREST, Dataset.SERIES}
_QUOTES = ("USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USD", "EUR", "GBP", "JPY", "KRW", "BTC", "ETH", "BNB")
_BASE, _QUOTE = "((?:10*)?[A-Z][A-Z0-9]{1,9}?)", f"({'|'.join(_QUOTES)})"
_PAIR = re.compile(rf"(?<![A-Z0-9]){_BASE}[-_]?{_QUOTE}(?![A-Z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person said about the file; empty where it is to be found out."""

    file: str
    format: str = ""
    symbol: str = ""
    venue: str = ""
    price_scale: int | None = None
    qty_scale: int | None = None
    options: tuple[str, ...] = ()
    rows: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one dataset (and interval, and series) of the file."""

    name: str              # as the ingest log calls it
    dataset: Dataset
    rows: int
    first: int             # ns
    last: int
    interval_s: int        # 0 where rows keep no interval
    gaps: int
    missing: int           # rows that the gaps lack
    duplicates: int        # rows whose key came before
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found. Without a format there are only the guesses."""

    name: str
    format: str
    guess: Guess | None
    options: Mapping[str, Any]     # those that were used, the proposed ones with them
    proposed: bool                 # the column map is ours, not the person's
    life: Instrument | None
    told: Mapping[str, str]        # where symbol, venue and scales come from
    tables: tuple[Table, ...]
    cut: bool                      # more rows were there than were read


def inspect(wish: Wish, staging: Path) -> Report:
    """The report. TickhouseError as an ingest of the file would raise it."""
    from venues.files import guess, registry, scales, unknown

    options = parse(wish.options)
    with _content(wish, staging, options) as (name, content):
        life, told = _life(wish, name)
        found, chosen, proposed = None, wish.format, False
        if not chosen:
            found = guess.guess(name, content, life, options)
            content.seek(0)
            best = found.best(wish.file)
            chosen = best[0] if len(best) == 1 else ""
            if not best and (proposal := unknown.propose(name, content, life)) is not None:
                chosen, proposed = proposal.format, True
                options = {**proposal.options, **options}
            if not chosen:
                return Report(name, "", found, options, False, None, told, (), False)
        known, life = registry.get(chosen), _of_publisher(life, chosen, told)

        def read(sized: Instrument, more: Mapping[str, Any]) -> Iterator[Part]:
            from venues.files.format import Opened

            content.seek(0)
            seen = 0
            for part in known.read(Opened(name, content, sized, more)):
                yield part
                seen += part.frame.height
                if seen >= wish.rows:
                    return

        sizes = _scales(wish, scales.smallest(read, life, options), told)
        options = {**options, **sizes.options}
        life = replace(life, price_scale=sizes.price, qty_scale=sizes.qty)
        parts = list(read(life, options))
        life = _named(life, wish, parts, told)
        return Report(
            name, chosen, found, options, proposed, life, told, tuple(_tables(life, parts)),
            sum(part.frame.height for part in parts) >= wish.rows,
        )


def parse(options: Sequence[str]) -> dict[str, Any]:
    """Options like `columns.open=o`, `zone=UTC+03:00` or `rounded=true` as config/sources.toml would give them."""
    out: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise TickhouseError(VenueCode.SOURCES_INVALID, key=option, problem="an option is written key=value")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value
        place = out
        *folders, leaf = key.split(".")
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = parsed
    return out


@contextmanager
def _content(wish: Wish, staging: Path, options: Mapping[str, Any]) -> Iterator[tuple[str, IO[bytes]]]:
    from venues.files.download import Downloads
    from venues.files.errors import FileCode
    from venues.files.open import opened
    from venues.request import Patience

    downloads = Downloads(lambda: staging, {}, Patience(attempts=3))
    try:
        path = downloads.get(wish.file)
        if path is None:
            raise TickhouseError(FileCode.FILE_MISSING, file=wish.file)
        with opened(path, wish.file, str(options.get("member", ""))) as found:
            yield found
    finally:
        downloads.close()


def _life(wish: Wish, name: str) -> tuple[Instrument, dict[str, str]]:
    """An instrument for the file, and where its symbol and venue come from."""
    from venues import facts

    told = {}
    symbol, parts = wish.symbol, re.split(r"[/\\+!]", name)
    pair = next((found for part in reversed(parts) if (found := _pair(part, last=part is parts[-1]))), None)
    if pair and not symbol:
        symbol, told["symbol"] = f"{pair[1]}/{pair[2]}".upper(), "from the name"
    base, _, quote = symbol.partition(":")[0].partition("/")
    words = reversed(re.split(r"[^a-z0-9]+", name.lower()))
    venue = wish.venue or next((word for word in words if facts.of(word) != facts.Facts()), "")
    if venue and not wish.venue:
        told["venue"] = "from the name"
    kind = InstrumentKind.LINEAR if ":" in symbol else InstrumentKind.SPOT
    settle = symbol.partition(":")[2] or quote
    return Instrument(1, venue, symbol, base + quote, kind, base, quote, settle, 0, 0, 10**8, 0), told


def _of_publisher(life: Instrument, chosen: str, told: dict[str, str]) -> Instrument:
    """The same, at the venue whose format it is where nobody named one."""
    from venues import facts

    publisher = chosen.partition("_")[0]
    if life.venue or facts.of(publisher) == facts.Facts():
        return life
    told["venue"] = "whose format it is"
    return replace(life, venue=publisher)


def _pair(part: str, *, last: bool) -> re.Match[str] | None:
    """The pair that a part of the path names: a file in its name, a folder by all of it."""
    return _PAIR.search(part) if last or "." in part else _PAIR.fullmatch(part)


def _named(life: Instrument, wish: Wish, parts: Sequence[Part], told: dict[str, str]) -> Instrument:
    """The same, with the symbol that the rows tell where nobody else did."""
    if wish.symbol:
        return life
    symbols = [part.frame["symbol"] for part in parts if "symbol" in part.frame.columns and part.frame.height]
    if not symbols:
        return life
    names = pl.concat(symbols).value_counts(sort=True)["symbol"].to_list()
    told["symbol"] = "from the rows" if len(names) == 1 else f"the most frequent of {len(names)} in the rows"
    return replace(life, symbol=life.symbol or names[0], venue_symbol=names[0])


def _scales(wish: Wish, found: Scales, told: dict[str, str]) -> Scales:
    price = found.price if wish.price_scale is None else wish.price_scale
    qty = found.qty if wish.qty_scale is None else wish.qty_scale
    if wish.price_scale is None or wish.qty_scale is None:
        told["scales"] = "the smallest that express every number"
    if "rounded" in found.options:
        told["numbers"] = "carry traces of binary arithmetic: read with rounded = true"
    if "nearest" in found.options:
        told["numbers"] = "have more than the 12 decimals of a rate: read with nearest = true"
    return replace(found, price=price, qty=qty)


def _tables(life: Instrument, parts: Sequence[Part]) -> Iterator[Table]:
    groups: dict[tuple[Dataset, int, str], list[pl.DataFrame]] = {}
    for part in parts:
        by = {Dataset.BARS: ["interval_s"], Dataset.SERIES: ["series"]}.get(part.dataset, [])
        for key, frame in part.frame.partition_by(by, as_dict=True).items() if by else [((), part.frame)]:
            interval = int(key[0]) if part.dataset is Dataset.BARS else 60
            series = str(key[0]) if part.dataset is Dataset.SERIES else ""
            groups.setdefault((part.dataset, interval, series), []).append(frame)
    for (dataset, interval, series), frames in groups.items():
        whole = pl.concat(frames, how="diagonal")
        if whole.height:
            yield _table(life, dataset, interval, series, whole)


def _table(life: Instrument, dataset: Dataset, interval: int, series: str, frame: pl.DataFrame) -> Table:
    from quality import gate, suites
    from quality.rule import Context
    from store.datasets import KEYS
    from venues import facts

    stamp = clock(dataset)
    extra = [name for name in ("line", "symbol") if name in frame.columns]
    frame = frame.with_columns(source=pl.lit("file"), instrument=pl.lit(life.id, dtype=pl.UInt32))
    frame = frame.select(*(pl.col(name).cast(kind) for name, kind in SCHEMAS[dataset].items()), *extra)
    frame = frame.with_columns((pl.col(stamp) // _DAY_NS).cast(pl.Int32).cast(pl.Date).alias("day"))
    context = Context(life, facts.of(life.venue), interval, series, asked_ns=time.time_ns())
    days = frame.select("instrument", "day").unique(maintain_order=True)
    verdict = gate.judge(suites.get(dataset, context), frame, days)
    step, gaps, missing = _grid(frame[stamp], interval if dataset is Dataset.BARS else 0, dataset)
    stamps = frame[stamp].sort()
    return Table(
        label(dataset, interval, series), dataset, frame.height, int(stamps[0]), int(stamps[-1]), step, gaps, missing,
        frame.height - frame.select(KEYS[dataset]).n_unique(), verdict.findings,
    )


def _grid(stamps: pl.Series, interval_s: int, dataset: Dataset) -> tuple[int, int, int]:
    """Seconds between rows, how many gaps there are, and how many rows they lack; all 0 where rows keep no grid."""
    seconds = ((stamps.unique().sort() + _SECOND // 2) // _SECOND).diff().drop_nulls()
    if dataset not in _ON_A_GRID or seconds.is_empty():
        return interval_s, 0, 0
    step = interval_s or int(seconds.mode().sort()[0])
    month = interval_s and interval_s % 2_592_000 == 0
    wide = seconds.filter(seconds > step + (86_400 if month else step // 2))
    return step, len(wide), int(((wide + step // 2) // max(step, 1) - 1).sum())
