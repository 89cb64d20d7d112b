"""Rows as ccxt gives them into frames of a dataset, exact; each row keeps the venue's own text in a column `raw`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset
from market.events import Flag, Side
from market.funding import RATE_SCALE
from market.instrument import Instrument, InstrumentSpec
from market.rounding import rescale, to_int
from venues.ccxt_trades import number_of
from venues.errors import VenueCode
from venues.files.exact import scaled_text

MS = 1_000_000
RAW = "raw"
RATIO = "long_short_ratio"
_MARK_SCALE = 8
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}

Listed = Instrument | InstrumentSpec


@dataclass(frozen=True, slots=True)
class Made:
    """Makes frames of one instrument of one venue."""

    venue: str
    source: str
    life: Listed

    def bars(self, rows: Sequence[Any], width_s: int) -> pl.DataFrame:
        """Bars; `count` is -1, ccxt does not tell it."""
        stamps = self._stamps(row[0] for row in rows)
        names = ("open", "high", "low", "close")
        prices = {
            name: self._whole([row[at] for row in rows], self.life.price_scale, "bars")
            for at, name in enumerate(names, start=1)
        }
        volume = self._whole([row[5] for row in rows], self.life.qty_scale, "bars")
        known = stamps + width_s * 1_000 * MS
        columns = {"ts_event": stamps, "ts_known": known, **prices, "volume": volume}
        return self._frame(Dataset.BARS, columns, rows, interval_s=width_s, count=-1)

    def trades(self, rows: Sequence[dict[str, Any]], *, aggregate: bool) -> pl.DataFrame:
        """Trades, known when they happened."""
        stamps = self._stamps(row.get("timestamp") for row in rows)
        columns = {
            "ts_event": stamps, "ts_known": stamps,
            "trade_id": pl.Series([number_of(row) for row in rows], dtype=pl.Int64),
            "price": self._whole([row.get("price") for row in rows], self.life.price_scale, "trades"),
            "qty": self._whole([row.get("amount") for row in rows], self.life.qty_scale, "trades"),
            "side": pl.Series([_SIDES.get(row.get("side") or "", Side.NONE) for row in rows], dtype=pl.UInt8),
        }
        return self._frame(Dataset.TRADES, columns, rows, flags=int(Flag.AGGREGATE if aggregate else 0))

    def funding(self, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        """Settled funding, known when it was settled; mark price 0 where the venue gives none."""
        stamps = self._stamps(row.get("timestamp") for row in rows)
        marks = [to_int(str((row.get("info") or {}).get("markPrice") or "0"), _MARK_SCALE) for row in rows]
        columns = {
            "ts_event": stamps, "ts_known": stamps,
            "rate": self._whole([row.get("fundingRate") for row in rows], RATE_SCALE, "funding"),
            "mark_price": pl.Series(
                [rescale(mark, _MARK_SCALE, self.life.price_scale) for mark in marks], dtype=pl.Int64
            ),
        }
        return self._frame(Dataset.FUNDING_RATES, columns, rows)

    def open_interest(self, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        """Open interest in the instrument's quantity; VENUE_NOT_OFFERED where the venue tells its value alone."""
        stamps = self._stamps(row.get("timestamp") for row in rows)
        amounts = [row.get("openInterestAmount") for row in rows]
        if rows and all(amount is None for amount in amounts):
            raise TickhouseError(
                VenueCode.VENUE_NOT_OFFERED, venue=self.venue, request="open interest", problem="only its value is told"
            )
        columns = {
            "ts_event": stamps, "ts_known": stamps, "qty": self._whole(amounts, self.life.qty_scale, "open interest"),
        }
        return self._frame(Dataset.OPEN_INTEREST, columns, rows)

    def ratios(self, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        """The long/short ratio of accounts as a series."""
        stamps = self._stamps(row.get("timestamp") for row in rows)
        values = [row.get("longShortRatio") for row in rows]
        if None in values:
            raise self._bad(RATIO, "a cell is empty")
        columns = {
            "ts_event": stamps, "ts_known": stamps,
            "value": pl.Series([float(str(value)) for value in values], dtype=pl.Float64),
        }
        return self._frame(Dataset.SERIES, columns, rows, series=RATIO)

    def book(self, book: dict[str, Any], received: int) -> pl.DataFrame:
        """One snapshot of the book as it was received; `seq` is 0 where the venue numbers none."""
        at = book.get("timestamp")
        sides = {
            side: pl.Series(
                [[
                    {"price": to_int(str(price), self.life.price_scale), "qty": to_int(str(qty), self.life.qty_scale)}
                    for price, qty, *_ in book.get(side) or ()
                ]],
                dtype=SCHEMAS[Dataset.BOOK_SNAPSHOTS][side],
            )
            for side in ("bids", "asks")
        }
        columns = {
            "ts_event": pl.Series([at * MS if isinstance(at, int) else received], dtype=pl.Int64),
            "ts_recv": pl.Series([received], dtype=pl.Int64),
            "seq": pl.Series([int(book.get("nonce") or 0)], dtype=pl.Int64),
            **sides,
        }
        return self._frame(Dataset.BOOK_SNAPSHOTS, columns, [book])

    def _frame(
        self, dataset: Dataset, columns: dict[str, pl.Series], rows: Sequence[Any], **constants: object
    ) -> pl.DataFrame:
        number = self.life.id if isinstance(self.life, Instrument) else 0
        frame = pl.DataFrame({**columns, RAW: pl.Series([_text(row) for row in rows], dtype=pl.String)})
        whole = frame.with_columns(
            instrument=pl.lit(number), source=pl.lit(self.source),
            **{name: pl.lit(value) for name, value in constants.items()},
        )
        return whole.select(*SCHEMAS[dataset], RAW).cast(dict(SCHEMAS[dataset]))  # type: ignore[arg-type]

    def _whole(self, cells: list[Any], scale: int, what: str) -> pl.Series:
        if None in cells:
            raise self._bad(what, "a cell is empty")
        texts = [str(cell) for cell in cells]
        out = scaled_text(pl.Series("x", texts, dtype=pl.String), scale)
        if out.null_count():
            # The slow way says what is wrong with it, or takes what only it can.
            return pl.Series([to_int(text, scale) for text in texts], dtype=pl.Int64)
        return out

    def _stamps(self, cells: Any) -> pl.Series:
        stamps = list(cells)
        if bad := [stamp for stamp in stamps if not isinstance(stamp, int)]:
            raise self._bad("rows", f"not a time: {bad[0]!r}")
        return pl.Series(stamps, dtype=pl.Int64) * MS

    def _bad(self, what: str, problem: str) -> TickhouseError:
        return TickhouseError(VenueCode.VENUE_BAD_ANSWER, venue=self.venue, request=what, problem=problem)


def _text(row: Any) -> str:
    """The venue's own row where ccxt keeps it (`info`), else ccxt's."""
    own = row.get("info") if isinstance(row, dict) else None
    return msgspec.json.encode(row if own is None else own).decode()
