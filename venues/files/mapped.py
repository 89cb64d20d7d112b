"""Rows of a table under a column map, made into a dataset's frame: the one road of every table that people map."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from market.events import Side
from market.funding import RATE_SCALE
from venues.files import cells, intervals, times
from venues.files.column_map import ColumnMap
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.ids import TradeIds, numbers_of
from venues.files.sheet import PLAIN_TRADE
from venues.files.stamps import Stamps
from venues.files.table import LINE

_SECOND = 1_000_000_000


class Mapped:
    """One file's rows, batch by batch, in the order of the file: the unit of stamps, the ids of trades and the
    length of bars are found once and kept."""

    def __init__(self, file: Opened, columns: ColumnMap) -> None:
        self._file = file
        self._map = columns
        self._stamps = Stamps(file.name)
        self._ids = TradeIds(file.name, ordered=False)
        self._interval_s = 0

    def parts(self, source: pl.DataFrame) -> Iterator[Part]:
        """The rows of this batch (columns of the file, and `line`); FILE_HEADER_CHANGED where a column is not there."""
        found = self._map
        missing = [name for name in found.used if name not in source.columns]
        if missing:
            have = [name for name in source.columns if name != LINE]
            raise TickhouseError(
                FileCode.FILE_HEADER_CHANGED, file=self._file.name, missing=", ".join(missing), found=", ".join(have)
            )
        for column, value in found.where.items():
            source = source.filter(pl.col(column).cast(pl.String) == value)
        if source.is_empty():
            return
        made = {"ts_event": self._time(source, "ts_event")}
        build = {
            Dataset.BARS: self._bars, Dataset.TRADES: self._trades, Dataset.QUOTES: self._quotes,
            Dataset.FUNDING_RATES: self._funding, Dataset.OPEN_INTEREST: self._open_interest,
        }
        if found.dataset is Dataset.SERIES:
            yield from self._series(source, made)
            return
        build[found.dataset](source, made)
        yield self._part(source, made)

    def _bars(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> None:
        life = self._file.life
        made |= self._numbers(source, ("open", "high", "low", "close"), life.price_scale)
        made |= self._numbers(source, ("volume",), life.qty_scale)
        stamps = made["ts_event"]
        self._interval_s = self._interval_s or intervals.find(self._file.name, self._map.interval_s, stamps)
        if self._map.stamp == "end":
            made["ts_event"] = intervals.opens(stamps, self._interval_s)
        made["ts_known"] = intervals.ends(made["ts_event"], self._interval_s)
        if "ts_known" in self._map.columns:
            made["ts_known"] = self._time(source, "ts_known")
        made["interval_s"] = _filled(source, self._interval_s)
        made["count"] = _filled(source, -1)
        if "count" in self._map.columns:
            column = self._map.columns["count"]
            told = source.with_columns(pl.col(column).cast(pl.String).replace("", None).fill_null("-1"))
            made |= self._numbers(told, ("count",), 0)

    def _trades(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> None:
        life = self._file.life
        made |= self._numbers(source, ("price",), life.price_scale)
        made |= self._numbers(source, ("qty",), life.qty_scale)
        made["side"] = self._side(source)
        made["flags"] = _filled(source, PLAIN_TRADE)
        made["ts_known"] = self._time(source, "ts_known") if "ts_known" in self._map.columns else made["ts_event"]
        made["trade_id"] = self._trade_ids(source, pl.DataFrame(made | {LINE: source[LINE]}))

    def _trade_ids(self, source: pl.DataFrame, made: pl.DataFrame) -> pl.Series:
        """The file's ids as numbers; a trade without one gets one made of its row, the same at every reading."""
        if "trade_id" not in self._map.columns:
            return self._ids.of(made)
        named = source[self._map.columns["trade_id"]].cast(pl.String).str.strip_chars().replace("", None)
        bare = named.is_null()
        numbers = numbers_of(named.fill_null("0"))
        return numbers.scatter(bare.arg_true(), self._ids.of(made.filter(bare))) if bare.any() else numbers

    def _quotes(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> None:
        life = self._file.life
        made |= self._numbers(source, ("bid_price", "ask_price"), life.price_scale)
        made |= self._numbers(source, ("bid_qty", "ask_qty"), life.qty_scale)
        made["ts_recv"] = self._time(source, "ts_recv") if "ts_recv" in self._map.columns else made["ts_event"]
        # Quotes of one moment are told apart by their order.
        order = pl.int_range(pl.len(), dtype=pl.Int64).over("ts_recv")
        made["seq"] = made["ts_recv"].alias("ts_recv").to_frame().select(order.alias("seq"))["seq"]
        if "seq" in self._map.columns:
            made |= self._numbers(source, ("seq",), 0)

    def _funding(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> None:
        made |= self._numbers(source, ("rate",), RATE_SCALE)
        made["mark_price"] = _filled(source, 0)
        if "mark_price" in self._map.columns:
            made |= self._numbers(source, ("mark_price",), self._file.life.price_scale)
        made["ts_known"] = self._known(source, made["ts_event"])

    def _open_interest(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> None:
        made |= self._numbers(source, ("qty",), self._file.life.qty_scale)
        made["ts_known"] = self._known(source, made["ts_event"])

    def _series(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> Iterator[Part]:
        made["ts_known"] = self._known(source, made["ts_event"])
        for name, column in self._map.series.items():
            value = source[column].cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
            value = value.set(~value.is_finite().fill_null(value=False), None)
            cells.refuse(self._file.name, source, {column: value}, "not a finite number")
            names = pl.Series([name]).new_from_index(0, source.height)
            yield self._part(source, made | {"series": names, "value": value})

    def _part(self, source: pl.DataFrame, made: dict[str, pl.Series]) -> Part:
        frame = pl.DataFrame({name: series.alias(name) for name, series in made.items()})
        frame = frame.with_columns(source[LINE], pl.lit(self._file.life.id, dtype=pl.UInt32).alias("instrument"))
        if self._map.symbol:
            frame = frame.with_columns(self._symbol(source[self._map.symbol].cast(pl.String)).alias("symbol"))
        return Part(self._map.dataset, frame)

    def _symbol(self, written: pl.Series) -> pl.Series:
        """The life's own symbol where the file writes it another way (`BTC-USD`, `XBTUSD`), else as written."""
        life = self._file.life
        ways = {_letters(name) for name in (life.symbol.partition(":")[0], life.venue_symbol) if name}
        same = {name: life.symbol for name in written.unique() if name and _letters(name) in ways}
        return written.replace(same)

    def _time(self, source: pl.DataFrame, name: str) -> pl.Series:
        column = self._map.columns[name]
        values = source[column]
        if self._map.time == "auto" and not values.dtype.is_temporal():
            text = source.with_columns(values.cast(pl.String).str.strip_chars())
            return self._stamps.ns(text, column).alias(name)
        how = "iso" if self._map.time == "auto" else self._map.time
        stamps = times.nanoseconds(values, how, self._map.zone)
        cells.refuse(
            self._file.name, source, {column: stamps}, f'not a time written as "{how}" that exists in {self._map.zone}'
        )
        return stamps.alias(name)

    def _known(self, source: pl.DataFrame, event: pl.Series) -> pl.Series:
        if "ts_known" in self._map.columns:
            return self._time(source, "ts_known")
        return event + self._map.lag_s * _SECOND

    def _numbers(self, source: pl.DataFrame, names: tuple[str, ...], scale: int) -> dict[str, pl.Series]:
        origin = {name: self._map.columns[name] for name in names}
        how = self._map
        made = {
            name: cells.whole(source[column], scale, how.rounded, how.nearest).alias(name)
            for name, column in origin.items()
        }
        cells.refuse_numbers(self._file.name, source, made, origin)
        return made

    def _side(self, source: pl.DataFrame) -> pl.Series:
        if "side" not in self._map.columns:
            return _filled(source, int(Side.NONE))
        column = self._map.columns["side"]
        words = [*self._map.buy, *self._map.sell]
        sides = [int(Side.BUY)] * len(self._map.buy) + [int(Side.SELL)] * len(self._map.sell)
        text = source[column].cast(pl.String).str.strip_chars().str.to_lowercase()
        made = text.replace_strict(words, sides, default=None, return_dtype=pl.Int64)
        why = f"a side is one of {', '.join(words)}: see the options buy and sell"
        cells.refuse(self._file.name, source, {column: made}, why)
        return made


def _letters(symbol: str) -> str:
    plain = "".join(letter for letter in symbol.upper() if letter.isalnum())
    return "BTC" + plain[3:] if plain.startswith("XBT") else plain


def _filled(source: pl.DataFrame, value: int) -> pl.Series:
    return pl.Series([value], dtype=pl.Int64).new_from_index(0, source.height)
