"""track: all instruments of the shard in one engine: sequence checks, quotes, books, features, model."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from market.events import EVENT, Events, Kind, picked
from signals.features import registry
from signals.models.predictor import MAX_ROWS, Predictor
from signals.strategies.protocol import View
from streaming.batch import Ask, Batch, Prediction, Quote
from streaming.books import Books
from streaming.input_log import CONTROL_UP, Entry
from streaming.kernels import newest, take
from streaming.start import ModelRef, Start

log = structlog.get_logger()
SNAPSHOT = struct.Struct("<I")
CATCH_UP = struct.Struct("<Iq")
STATE = struct.Struct("<Iqq")


class Track:
    """The engine of one shard."""

    def __init__(self, start: Start, books: Books, read_model: Callable[[ModelRef], bytes]) -> None:
        self._ids = [instrument.id for instrument in start.instruments]
        self._slots = np.full(max(self._ids) + 1, -1, dtype=np.int64)
        self._slots[self._ids] = np.arange(len(self._ids))
        self._group = registry.get(start.feature_group)
        self._states = np.stack([self._group.state(id_) for id_ in self._ids])
        # The faster one while the slower has little memory yet, and in a storm: prudent for sizing.
        self._calm = np.array([self._group.names.index(name) for name in ("vol_30s", "vol_300s")], dtype=np.int64)
        count = len(self._ids)
        self._last = np.zeros(count, dtype=np.int64)
        self._last_ts = np.zeros(count, dtype=np.int64)
        self._closed = np.zeros(count, dtype=np.uint8)
        self._best = np.zeros((count, 3), dtype=np.int64)
        self._touched = np.zeros(count + 1, dtype=np.uint8)  # the last place says whether there is any
        self._waiting: list[list[Events]] = [[] for _ in self._ids]
        self._books = books
        self._unanswered: dict[tuple[str, int], Ask] = {}
        self._feed_up = False
        self._digest = 0
        self._index = np.empty(0, dtype=np.int64)
        self._make_room(256)
        self._read_model = read_model
        self._ref: ModelRef | None = None
        self._predictor: Predictor | None = None
        if start.model is not None:
            self._serve(start.model)

    def __call__(self, batches: list[Batch]) -> list[Batch]:
        """The same batches with quotes, views and predictions."""
        for batch in batches:
            for kind, ts, body in batch.inputs:
                if kind == Entry.STATE:
                    self._restore(body)
                elif kind == Entry.LINK and body == CONTROL_UP:
                    batch.asks += self._unanswered.values()  # what the one before was asked died with it
                elif kind == Entry.CATCH_UP:
                    self._catch_up(batch, body)
                elif kind == Entry.SNAPSHOT:
                    (instrument,) = SNAPSHOT.unpack_from(body)
                    self._unanswered.pop(("snapshot", instrument), None)
                    self._touch(self._books.snapshot(instrument, body[SNAPSHOT.size :], ts, batch.asks))
                elif kind == Entry.CONTROL:
                    self._control(body)
                elif kind == Entry.FEED:
                    self._feed(body)
            if len(batch.events):
                self._events(batch, batch.events)
            self._quotes(batch)
            for ask in batch.asks:
                self._unanswered[ask.what, ask.instrument] = ask
            batch.digest = self._digest
        return batches

    def _serve(self, ref: ModelRef) -> None:
        """Serves this champion from now on."""
        names = self._group.names
        self._columns = np.array([names.index(name) for name in ref.names], dtype=np.int64)
        self._predictor = Predictor(self._read_model(ref), len(self._columns), sha256=ref.sha256)
        self._predictor.predict(np.zeros((1, len(self._columns))))
        self._plain = tuple(ref.names) == names
        self._ref = ref

    def share_model(self, other: Track) -> None:
        """Serves what `other` serves, by the same session."""
        self._ref, self._predictor = other._ref, other._predictor
        if self._ref is not None:
            self._columns, self._plain = other._columns, other._plain

    def _control(self, body: bytes) -> None:
        message = msgspec.json.decode(body)
        if message["kind"] == "model":
            self._serve(msgspec.convert(message["model"], ModelRef))

    def _feed(self, body: bytes) -> None:
        self._feed_up = bool(msgspec.json.decode(body)["up"])
        self._touched[:] = 1
        if not self._feed_up:
            self._books.lost()

    def _touch(self, slots: NDArray[np.int64] | None) -> None:
        if slots is not None and len(slots):
            self._touched[slots] = self._touched[-1] = 1

    def _restore(self, body: bytes) -> None:
        instrument, last_id, last_ts = STATE.unpack_from(body)
        slot = self._slots[instrument]
        self._states[slot] = registry.state_from_bytes(self._group, instrument, body[STATE.size :])
        self._last[slot], self._last_ts[slot] = last_id, last_ts

    def _events(self, batch: Batch, events: Events) -> None:
        self._make_room(len(events))
        count, held = take(events, self._slots, self._last, self._closed, self._index, self._best, self._touched)
        self._touch(self._books.update(events, batch.asks))
        if held:
            self._hold(batch, events)
        if count:
            self._features(batch, picked(events, self._index[:count]))

    def _hold(self, batch: Batch, events: Events) -> None:
        """Keeps what came after a hole, and asks for the hole's content once."""
        trades = events[events["kind"] == Kind.TRADE]
        for slot in np.flatnonzero(self._closed):
            later = trades[(trades["instrument"] == self._ids[slot]) & (trades["seq"] > self._last[slot])]
            if not len(later):
                continue
            if not self._waiting[slot]:
                self._touched[slot] = self._touched[-1] = 1
                batch.asks.append(
                    Ask("trades", self._ids[slot], int(self._last[slot]) + 1, int(later[0]["seq"]),
                        int(self._last_ts[slot]))
                )  # fmt: skip
            self._waiting[slot].append(later)

    def _catch_up(self, batch: Batch, body: bytes) -> None:
        instrument, covered = CATCH_UP.unpack_from(body)
        self._unanswered.pop(("trades", instrument), None)
        slot = self._slots[instrument]
        held, self._waiting[slot] = self._waiting[slot], []
        # What REST says up to `covered` is all there is: ids may have holes of the venue's own.
        fetched = np.frombuffer(body, dtype=EVENT, offset=CATCH_UP.size)
        fresh = fetched[(fetched["seq"] > self._last[slot]) & (fetched["seq"] <= covered)]
        if len(fresh):
            self._features(batch, fresh, silent=True)
        self._last[slot] = max(int(self._last[slot]), covered)
        self._closed[slot] = 0
        self._touched[slot] = self._touched[-1] = 1
        for later in held:
            self._events(batch, later)

    def _features(self, batch: Batch, trades: Events, *, silent: bool = False) -> None:
        self._make_room(len(trades))
        rows, index, order, heads = self._rows, self._index, self._order, self._heads
        count = self._group.update_many(self._states, self._slots, trades, rows, index)
        self._digest = zlib.crc32(rows[:count].data, self._digest)
        if not count:
            return
        groups = newest(
            trades, index, count, self._slots, rows, self._calm, self._last, self._last_ts, order, heads,
            self._picked, self._volatility,
        )  # fmt: skip
        if not silent:  # the past is for the state only: nobody trades on it
            grouped = picked(trades, order[:count]) if len(trades) > 1 else trades
            self._views(batch, grouped, heads[:groups].tolist())

    def _make_room(self, size: int) -> None:
        if size <= len(self._index):
            return
        size *= 2
        width = len(self._group.names)
        self._rows, self._picked, self._volatility = np.empty((size, width)), np.empty((size, width)), np.empty(size)
        self._index, self._order = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        self._heads = np.empty((size, 4), dtype=np.int64)

    def _views(self, batch: Batch, grouped: Events, heads: list[list[int]]) -> None:
        ref, count = self._ref, len(heads)
        rows = self._picked[:count].copy()  # views outlive the next wake-up's rows
        values = [math.nan] * count
        deviation, label = 0.0, ""
        if self._predictor is not None and ref is not None:
            columns = rows if self._plain else rows[:, self._columns]
            values = []
            for at in range(0, count, MAX_ROWS):
                values += self._predictor.predict(columns[at : at + MAX_ROWS]).tolist()
            batch.predictions += [
                Prediction(ref.name, ref.version, instrument, ts, seq, value)
                for (instrument, ts, seq, _), value in zip(heads, values, strict=True)
            ]
            deviation, label = ref.prediction_std, ref.label
        start = 0
        for (instrument, ts, _, end), row, volatility, value in zip(
            heads, rows, self._volatility[:count].tolist(), values, strict=True
        ):
            batch.views.append(View(instrument, ts, grouped[start:end], row, volatility, value, deviation, label))
            start = end

    def _quotes(self, batch: Batch) -> None:
        if not self._touched[-1]:
            return
        slots = np.flatnonzero(self._touched[:-1])
        up = self._feed_up
        for slot, (bid, ask, ts) in zip(slots.tolist(), self._best[slots].tolist(), strict=True):
            proved = up and not self._closed[slot] and self._books.proved(slot)
            batch.quotes.append(Quote(self._ids[slot], bid, ask, ts, proved))
        self._touched[:] = 0
