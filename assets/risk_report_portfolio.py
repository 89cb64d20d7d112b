"""What the risk report is about: positions at the end of a day and the daily closes before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assets.ingest import days as calendar
from assets.risk_report_errors import ReportCode
from infra.errors import TickhouseError
from market.dataset import Dataset
from market.instrument import Instrument
from risk.exposure import notional
from risk.returns import MIN_ROWS, Floats
from risk.units import MONEY_SCALE
from risk.var import HORIZONS
from store import bars, ingest_log, reader
from store.ingest_log import IngestState

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LOOKBACK_DAYS = 365
LEAST_DAYS = MIN_ROWS + max(HORIZONS)   # closes: one more than the returns of the longest horizon need
MODEL_VALUE = 25_000                    # of the settlement currency, spread equally
_CHUNK_DAYS = 30                        # of one-minute bars read at once
_GOOD = (IngestState.COMPLETE, IngestState.VERIFIED_EMPTY)


@dataclass(frozen=True, slots=True)
class History:
    """Daily closes, a row a day and a column an instrument, as prices."""

    lives: tuple[Instrument, ...]
    days: tuple[date, ...]
    closes: Floats
    carried: int   # closes taken from the day before, because nothing traded

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(life.symbol for life in self.lives)

    @property
    def returns(self) -> Floats:
        """Simple daily returns, one row less than closes."""
        return np.asarray(self.closes[1:] / self.closes[:-1] - 1.0)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Signed values by symbol in 10^-8 of the currency."""

    name: str
    model: bool      # True: no account, a stand-in
    currency: str
    values: dict[str, int]


def history(client: Client, lives: Sequence[Instrument], day: date) -> History:
    """Closes of the unbroken run of complete days that ends with `day`, at most LOOKBACK_DAYS."""
    days = _complete_days(client, lives, day)
    frames = [
        _closes(client, [life.id for life in lives], days[at : at + _CHUNK_DAYS])
        for at in range(0, len(days), _CHUNK_DAYS)
    ]
    table = pl.concat(frames)
    closes = np.full((len(days), len(lives)), np.nan)
    row_of, column_of = {one: at for at, one in enumerate(days)}, {life.id: at for at, life in enumerate(lives)}
    for instrument, traded, close in table.iter_rows():
        life = lives[column_of[instrument]]
        closes[row_of[traded], column_of[instrument]] = close / 10.0**life.price_scale
    carried = _carry(closes)
    if not np.isfinite(closes).all():
        column = int(np.flatnonzero(~np.isfinite(closes).all(axis=0))[0])
        raise TickhouseError(ReportCode.REPORT_PRICE_MISSING, symbol=lives[column].symbol, day=days[0])
    return History(tuple(lives), tuple(days), closes, carried)


def positions(client: Client, account: str, day: date) -> dict[int, int]:
    """Net quantities of the account by instrument at the end of `day`, without those that are flat."""
    frame = reader.query(
        client,
        # FINAL: of several fills in one millisecond, written together, the last row is the one that stands.
        "SELECT instrument, argMax(qty, ts_event) AS held FROM positions FINAL"
        " WHERE account = {account:String} AND strategy = ''"
        " AND ts_event < fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC') GROUP BY instrument HAVING held != 0",
        {"account": account, "end_ns": calendar.start_ns(day) + calendar.DAY_NS},
    )
    return dict(frame.select("instrument", "held").iter_rows())


def account_holdings(account: str, currency: str, past: History, held: dict[int, int]) -> Holdings:
    """The account's positions at the last close."""
    values = {
        life.symbol: notional(life, round(close * 10**life.price_scale), held.get(life.id, 0))
        for life, close in zip(past.lives, past.closes[-1].tolist(), strict=True)
    }
    return Holdings(f"account {account}", model=False, currency=currency, values=values)


def model_holdings(currency: str, symbols: Collection[str]) -> Holdings:
    """MODEL_VALUE spread equally, all long: what the report shows while the account is flat."""
    each = MODEL_VALUE * 10**MONEY_SCALE // len(symbols)
    values = dict.fromkeys(symbols, each)
    return Holdings("model portfolio, equal weights", model=True, currency=currency, values=values)


def _complete_days(client: Client, lives: Sequence[Instrument], day: date) -> list[date]:
    first = day - timedelta(days=LOOKBACK_DAYS)
    states: dict[tuple[int, date], IngestState] = {}
    for venue in sorted({life.venue for life in lives}):
        states |= ingest_log.states(client, Dataset.BARS, venue, first, day + timedelta(days=1))
    days: list[date] = []
    while day >= first:
        lacking = [life for life in lives if states.get((life.id, day), IngestState.MISSING) not in _GOOD]
        if lacking and not days:
            state = states.get((lacking[0].id, day), IngestState.MISSING)
            raise TickhouseError(
                ReportCode.REPORT_DAY_INCOMPLETE, day=day, symbol=lacking[0].symbol, state=state.label
            )
        if lacking:
            break
        days.append(day)
        day -= timedelta(days=1)
    if len(days) < LEAST_DAYS:
        raise TickhouseError(ReportCode.REPORT_HISTORY_SHORT, days=len(days), wanted=LEAST_DAYS, before=days[-1])
    return days[::-1]


def _closes(client: Client, instruments: list[int], days: list[date]) -> pl.DataFrame:
    """Last close of each instrument and day: `instrument, day, close`."""
    start_ns, end_ns = calendar.start_ns(days[0]), calendar.start_ns(days[-1]) + calendar.DAY_NS
    frame = bars.read(client, instruments, start_ns, end_ns)
    return (
        frame.lazy()
        .group_by("instrument", day=pl.from_epoch(pl.col("ts_event"), time_unit="ns").dt.date())
        .agg(close=pl.col("close").sort_by("ts_event").last())
        .select("instrument", "day", "close")
        .collect()
    )


def _carry(closes: Floats) -> int:
    """Fills days without a trade from the day before, in place; how many it filled."""
    carried = 0
    for row in range(1, closes.shape[0]):
        empty = ~np.isfinite(closes[row])
        closes[row, empty] = closes[row - 1, empty]
        carried += int((empty & np.isfinite(closes[row])).sum())
    return carried
