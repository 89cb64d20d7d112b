"""The instruments a gateway serves: from ClickHouse, and from a copy while ClickHouse is away.

A gateway has orders to look after: it must come up even when the stores do not.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from execution.errors import ExecutionCode
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import Settings
from market.instrument import Instrument, TradingRules

log = structlog.get_logger()


class Universe(msgspec.Struct, frozen=True):
    """Living instruments of one venue and their rules."""

    instruments: list[Instrument]
    rules: dict[int, TradingRules]


def load(settings: Settings) -> Universe:
    """From ClickHouse, else from the last copy; GATEWAY_NO_INSTRUMENTS where there is neither."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    copy = Home(settings.home).run / f"instruments-{settings.venue.name}.json"
    try:
        universe = _from_store(settings)
    except (TickhouseError, ClickHouseError, OSError) as error:
        log.warning("ClickHouse is away, using the last copy of the instruments", error=str(error)[:200])
        return _from_copy(copy, settings)
    if not universe.instruments:
        return _from_copy(copy, settings)
    try:
        save(copy, universe)
    except OSError as error:  # it is for the day when ClickHouse is away
        log.warning("no copy of the instruments could be kept", error=str(error))
    return universe


def save(file: Path, universe: Universe) -> None:
    """Replaces the copy at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(universe))
    draft.replace(file)


def _from_store(settings: Settings) -> Universe:
    from store import clickhouse, instruments

    client = clickhouse.connect(settings)
    lives = [
        life for life in instruments.load(client)
        if life.venue == settings.venue.name and not life.valid_to and life.symbol in settings.venue.symbols
    ]
    ids = {life.id for life in lives}
    return Universe(lives, {i: rules for i, rules in instruments.rules(client).items() if i in ids})


def _from_copy(file: Path, settings: Settings) -> Universe:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Universe)
    except FileNotFoundError as error:
        raise TickhouseError(
            ExecutionCode.GATEWAY_NO_INSTRUMENTS, venue=settings.venue.name, symbols=",".join(settings.venue.symbols)
        ) from error
