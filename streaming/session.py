"""The beginning of a session: what the flow loads once, before the first frame."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from execution import journal
from execution.messages import Note, decode_entry
from infra import toml_file
from infra.errors import TickhouseError
from infra.home import Home
from infra.settings import PROJECT
from market.instrument import Instrument, TradingRules
from risk import limits as risk_limits
from signals.features import registry
from store import champion as champions
from store import clickhouse, features, instruments
from streaming import halt
from streaming.errors import StreamCode
from streaming.input_log import Entry, Input, WakeUp
from streaming.start import DayMark, ModelRef, Start
from streaming.track import STATE

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from infra.settings import Settings

log = structlog.get_logger()
MODEL = champions.MODEL
FEATURE_GROUP = champions.MODEL


def limits_file() -> Path:
    """The risk limits that people edit."""
    return PROJECT / "config" / "risk_limits.toml"


def champion(home: Home) -> ModelRef | None:
    """The model that serves now; None where none was ever published."""
    found = champions.load(home, MODEL)
    if found is None:
        return None
    return ModelRef(found.name, found.version, str(found.path), found.sha256, found.names, found.prediction_std)


def begin(settings: Settings, home: Home) -> tuple[Start, WakeUp]:
    """The session's start and the wake-up that records it, feature states included.

    STACK_NOT_RUNNING or CLICKHOUSE_UNREACHABLE without ClickHouse, INSTRUMENTS_MISSING before the first ingestion.
    """
    now = time.time_ns()
    client = clickhouse.connect(settings)
    lives, rules = _universe(settings, client)
    group = registry.get(FEATURE_GROUP)
    limits = toml_file.read(limits_file())
    risk_limits.parse(limits)
    model = champion(home)
    if model is None:
        log.warning(
            "no champion model is published: strategy `ml` stays silent; materialise `champion` in Dagster",
            model=MODEL, folder=str(home.models),
        )  # fmt: skip
    seq, mark = _journal(home, settings.live.account)
    start = Start(
        session=datetime.fromtimestamp(now * 1e-9, UTC).strftime("%Y%m%dT%H%M%S") + f"-{now % 10**9:09d}",
        ts=now,
        venue=settings.venue.name,
        account=settings.live.account,
        portfolio=settings.live.portfolio,
        instruments=tuple(lives),
        rules=tuple(rules[life.id] for life in lives if life.id in rules),
        strategies=settings.live.strategies,
        feature_group=group.name,
        feature_version=group.version,
        limits=limits,
        model=model,
        halted=halt.read(home),
        journal_seq=seq,
        day_mark=mark,
    )
    inputs = [Input(Entry.START, now, start.encode())]
    today = datetime.fromtimestamp(now * 1e-9, UTC).date()
    for life in lives:
        state = features.load_state(client, group.name, group.version, life.id, today)
        if state is None:
            log.warning(
                "no feature state in the store: features start cold; materialise `features_flow` in Dagster",
                symbol=life.symbol,
            )
            continue
        body = STATE.pack(life.id, state.last_seq, state.last_event) + state.state
        inputs.append(Input(Entry.STATE, now, body))
    client.close()
    return start, WakeUp(now, inputs)


def _universe(settings: Settings, client: Client) -> tuple[list[Instrument], dict[int, TradingRules]]:
    from clickhouse_connect.driver.exceptions import DatabaseError

    wanted = set(settings.venue.symbols)
    try:
        lives = [
            life
            for life in instruments.load(client)
            if life.venue == settings.venue.name and life.symbol in wanted and not life.valid_to
        ]
        rules = instruments.rules(client)
    except DatabaseError as error:  # an empty database: no table yet
        raise TickhouseError(StreamCode.INSTRUMENTS_MISSING, problem=str(error).splitlines()[0][:200]) from error
    missing = wanted - {life.symbol for life in lives}
    if missing or not lives:
        raise TickhouseError(StreamCode.INSTRUMENTS_MISSING, venue=settings.venue.name, symbols=",".join(missing))
    return lives, rules


def _journal(home: Home, account: str) -> tuple[int, DayMark | None]:
    """The last record of the journal and the last mark of the day in it."""
    folder = home.journal(account)
    seq, mark = 0, None
    if folder.is_dir():
        for record in journal.read(folder):
            seq = record.seq
            entry = decode_entry(record.payload)
            if isinstance(entry, Note) and entry.kind == "day":
                mark = msgspec.json.decode(entry.detail, type=DayMark)
    return seq, mark


def write_summary(home: Home, fields: dict[str, Any]) -> Path:
    """Leaves `run/last_session.json`."""
    path = home.run / "last_session.json"
    path.write_text(json.dumps(fields, indent=1))
    return path
