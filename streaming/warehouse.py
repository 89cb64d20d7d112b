"""The publisher's ClickHouse thread: ticks, predictions and risk events from the flow, orders from the journal.

While ClickHouse is away everything waits in memory, quotes are given up first and trades after, both counted;
what comes from the journal needs no memory, because the journal keeps it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import structlog

from execution.shipping import Shipper
from infra.errors import TickhouseError
from infra.home import Home
from market.events import Events, Kind, Side
from store import clickhouse, instruments, trades, writer
from streaming.batch import Prediction
from streaming.messages import RiskRow

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from infra.settings import Settings

log = structlog.get_logger()
_EVERY_S = 1.0
_RETRY_S = 2.0
_SILENT_S = 10.0
_MAX_TICKS = 4_000_000    # 224 MB; a quarter of it is kept free of quotes
_MAX_ROWS = 500_000       # of predictions and risk events
_SIDES = {Side.NONE: "none", Side.BUY: "buy", Side.SELL: "sell"}


@dataclass
class _Queue:
    """What waits to be written."""

    events: list[Events] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    risk: list[RiskRow] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        return sum(map(len, self.events))


@dataclass
class Warehouse:
    """A thread that writes once a second and tries again for as long as it takes."""

    settings: Settings
    shed: int = 0
    _well: bool = True
    _last_done: float = field(default_factory=time.monotonic)
    _queue: _Queue = field(default_factory=_Queue)
    _waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _shipper: Shipper | None = None
    _unshipped: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def reachable(self) -> bool:
        """Whether the last writing succeeded, and not too long ago: a server that hangs is no better than none."""
        return self._well and time.monotonic() - self._last_done < _SILENT_S

    def events(self, events: Events) -> None:
        """Takes trades and quotes."""
        with self._lock:
            if self._waiting + len(events) > _MAX_TICKS * 3 // 4:
                self.shed += len(events)
                events = events[events["kind"] == Kind.TRADE]
                self.shed -= len(events)
            if self._waiting + len(events) > _MAX_TICKS:
                self.shed += len(events)
                return
            self._queue.events.append(events)
            self._waiting += len(events)

    def predictions(self, rows: list[Prediction]) -> None:
        """Takes inferences."""
        with self._lock:
            if len(self._queue.predictions) < _MAX_ROWS:
                self._queue.predictions += rows
            else:
                self.shed += len(rows)

    def risk(self, rows: list[RiskRow]) -> None:
        """Takes risk events."""
        with self._lock:
            if len(self._queue.risk) < _MAX_ROWS:
                self._queue.risk += rows
            else:
                self.shed += len(rows)

    def gauges(self) -> dict[str, float]:
        """For the metrics page."""
        return {
            "clickhouse_reachable": float(self.reachable),
            "waiting_ticks": float(self._waiting),
            "shed": float(self.shed),
        }

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="clickhouse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, once, and ends."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10.0)

    def _run(self) -> None:
        from clickhouse_connect.driver.exceptions import ClickHouseError
        from urllib3.exceptions import HTTPError

        client: Client | None = None
        while True:
            last = self._ended.is_set()
            try:
                client = client or clickhouse.connect(self.settings)
                self._ship(client)
                self._write(client)
                if not self.reachable:
                    log.info("clickhouse is back", waiting=self._waiting)
                self._well, self._last_done = True, time.monotonic()
            except (ClickHouseError, HTTPError, TickhouseError, OSError) as error:
                if self._well:
                    log.error("clickhouse unreachable, retrying", problem=str(error)[:300])  # noqa: TRY400 - one line
                self._well = False
                client = None
            if last:
                return
            self._ended.wait(_EVERY_S if self._well else _RETRY_S)

    def _ship(self, client: Client) -> None:
        """Journal records to order events, fills and positions; begins after what the table already holds."""
        account = self.settings.live.account
        folder = Home(self.settings.home).journal(account)
        if self._shipper is None:
            lives = instruments.load(client)
            if not folder.is_dir() or not lives:
                return
            shipped = client.query(
                "SELECT max(journal_seq) FROM order_events WHERE account = {account:String}",
                parameters={"account": account},
            ).result_rows[0][0]
            self._shipper = Shipper(folder, lives, account, int(shipped))
        while True:
            if not self._unshipped:
                rows = self._shipper.poll()
                if not rows.last_seq:
                    return
                # Order events last: their highest number is the mark up to which everything has been written.
                self._unshipped = {"fills": rows.fills, "positions": rows.positions, "order_events": rows.order_events}
            for table in tuple(self._unshipped):
                if self._unshipped[table]:
                    writer.insert(client, table, pl.DataFrame(self._unshipped[table], infer_schema_length=None))
                del self._unshipped[table]

    def _write(self, client: Client) -> None:
        with self._lock:
            queue, self._queue = self._queue, _Queue()
        try:
            if queue.events:
                events = np.concatenate(queue.events)
                writer.insert(client, "trades", _trades(events))
                writer.insert(client, "quotes", _quotes(events))
                written = sum(map(len, queue.events))
                queue.events = []
                with self._lock:
                    self._waiting -= written
            if queue.predictions:
                writer.insert(client, "predictions", _predictions(queue.predictions))
                queue.predictions = []
            if queue.risk:
                account = pl.lit(self.settings.live.account)
                rows = pl.DataFrame(queue.risk, schema=RiskRow._fields, orient="row").with_columns(account=account)
                writer.insert(client, "risk_events", rows.with_columns(pl.col("instrument").cast(pl.UInt32)))
                queue.risk = []
        except BaseException:
            with self._lock:  # in front again; every table merges what was written twice
                self._queue.events = queue.events + self._queue.events
                self._queue.predictions = queue.predictions + self._queue.predictions
                self._queue.risk = queue.risk + self._queue.risk
            raise


def _trades(events: Events) -> pl.DataFrame:
    heard = events[events["kind"] == Kind.TRADE]
    return pl.DataFrame(
        {
            "instrument": heard["instrument"], "ts_event": heard["ts_event"], "trade_id": heard["seq"],
            "ts_known": np.maximum(heard["ts_recv"], heard["ts_event"]), "price": heard["price"],
            "qty": heard["qty"], "side": heard["side"].astype(np.int8), "flags": heard["flags"] & trades.LASTING_FLAGS,
        }
    ).with_columns(source=pl.lit("live"))  # fmt: skip


def _quotes(events: Events) -> pl.DataFrame:
    quotes = events[events["kind"] == Kind.QUOTE]
    bids, asks = quotes[quotes["side"] == Side.BUY], quotes[quotes["side"] == Side.SELL]
    if len(bids) != len(asks):  # each quote is a bid and its ask, side by side
        pairs = min(len(bids), len(asks))
        bids, asks = bids[:pairs], asks[:pairs]
    return pl.DataFrame(
        {
            "instrument": bids["instrument"], "ts_event": bids["ts_event"], "ts_recv": bids["ts_recv"],
            "seq": bids["seq"], "bid_price": bids["price"], "bid_qty": bids["qty"], "ask_price": asks["price"],
            "ask_qty": asks["qty"],
        }
    )  # fmt: skip


def _predictions(rows: list[Prediction]) -> pl.DataFrame:
    columns = ["model", "model_version", "instrument", "ts_event", "seq", "value"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.with_columns(
        pl.col("model_version").cast(pl.UInt32), pl.col("instrument").cast(pl.UInt32), ts_known=pl.col("ts_event")
    )
