"""Bybit public data: order books of 500 or 200 levels, a JSON message a line: a snapshot, then changes.

Publisher: https://www.bybit.com/derivatives/en/history-data.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import msgspec
import polars as pl

from infra.errors import TickhouseError
from market.dataset import Dataset
from market.events import Side
from venues.files import packets
from venues.files.block import LINE, shown
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.lines import lines
from venues.files.sheet import Sheet
from venues.files.stamps import Stamps

_LEVELS = 400_000  # levels that are turned into a frame at once
_Pair = tuple[str, str]


class _Book(msgspec.Struct):
    s: str
    b: list[_Pair]
    a: list[_Pair]
    u: int


class _Message(msgspec.Struct):
    topic: str
    type: str
    ts: int
    data: _Book
    cts: int = 0  # when the matching engine made it; files of before 2023 lack it


class BybitOrderbook:
    """Book changes. A packet is a message; its number is Bybit's update id, which counts without a hole."""

    name = "bybit_orderbook"
    datasets = (Dataset.BOOK_DELTAS,)

    def read(self, file: Opened) -> Iterator[Part]:
        """The levels, message by message; FILE_ROW_BAD for a line that is no such message."""
        made, sent = Stamps(file.name), Stamps(file.name)
        batch: list[tuple[int, _Message]] = []
        levels = 0
        for number, message in _messages(file):
            batch.append((number, message))
            levels += len(message.data.b) + len(message.data.a)
            if levels >= _LEVELS:
                yield _part(file, batch, made, sent)
                batch, levels = [], 0
        if batch:
            yield _part(file, batch, made, sent)


def _messages(file: Opened) -> Iterator[tuple[int, _Message]]:
    decoder = msgspec.json.Decoder(_Message)
    for number, line in lines(file):
        try:
            message = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # msgspec.ValidationError is one of them
            code = FileCode.FILE_NOT_DATA if number == 1 else FileCode.FILE_ROW_BAD
            raise TickhouseError(
                code, file=file.name, line=number, problem=str(error)[:200], excerpt=shown(line)
            ) from error
        if message.type not in {"snapshot", "delta"}:
            raise TickhouseError(
                FileCode.FILE_ROW_BAD, file=file.name, line=number, problem=f"type {message.type}", row=shown(line)
            )
        yield number, message


def _part(file: Opened, batch: list[tuple[int, _Message]], made: Stamps, sent: Stamps) -> Part:
    # A message without a level is one row of no side, or its number would be a hole.
    bids = [message.data.b for _, message in batch]
    asks = [message.data.a for _, message in batch]
    nothing = [[("0", "0")] if not bid and not ask else [] for bid, ask in zip(bids, asks, strict=True)]
    sides: list[int] = []
    for none, bid, ask in zip(nothing, bids, asks, strict=True):
        sides += [Side.NONE] * len(none) + [Side.BUY] * len(bid) + [Side.SELL] * len(ask)
    levels = list(chain.from_iterable(chain.from_iterable(zip(nothing, bids, asks, strict=True))))
    sizes = pl.Series([len(n) + len(b) + len(a) for n, b, a in zip(nothing, bids, asks, strict=True)])
    heads = pl.DataFrame({
        LINE: [number for number, _ in batch],
        "ts": [str(message.ts) for _, message in batch],
        "cts": [str(message.cts or message.ts) for _, message in batch],
        "u": [message.data.u for _, message in batch], "symbol": [message.data.s for _, message in batch],
        "snapshot": [message.type == "snapshot" for _, message in batch],
    }, schema_overrides={LINE: pl.Int64, "u": pl.Int64})
    heads = heads.with_columns(made.ns(heads, "cts").alias("ts_event"), sent.ns(heads, "ts").alias("ts_recv"))
    heads = heads.with_columns(packet=pl.int_range(pl.len(), dtype=pl.Int64))
    text = heads.select(pl.all().repeat_by(sizes).explode()).with_columns(
        pl.Series("price", [price for price, _ in levels], dtype=pl.String),
        pl.Series("qty", [qty for _, qty in levels], dtype=pl.String),
        pl.Series("side", sides, dtype=pl.UInt8),
    )
    numbers = Sheet(file, text).exact({"price": "price"}, {"qty": "qty"})
    frame = packets.flagged(text.with_columns(**numbers), pl.col("snapshot"))
    life = pl.lit(file.life.id, dtype=pl.UInt32).alias("instrument")
    return Part(Dataset.BOOK_DELTAS, frame.select(
        life, "ts_event", "ts_recv", pl.col("u").alias("first_seq"), pl.col("u").alias("last_seq"), "side", "price",
        "qty", "flags", LINE, "symbol",
    ))


FORMAT = BybitOrderbook()
