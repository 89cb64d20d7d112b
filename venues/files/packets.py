"""Rows of an order book, grouped as the venue sent them: no packet is torn where a batch ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from market.events import Flag

_ORDER = ("packet", "side", "price")


def whole(batches: Iterable[pl.DataFrame], keys: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """The same rows in batches that end where a packet does; `packet` numbers them from 1.

    Neighbouring rows that agree in `keys` are one packet.
    """
    rest: pl.DataFrame | None = None
    done = 0
    for batch in batches:
        # Relaxed: what was whole numbers in one batch may be text in the next.
        rows = batch if rest is None else pl.concat([rest.drop("packet"), batch], how="vertical_relaxed")
        begins = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in keys).fill_null(value=True)
        rows = rows.with_columns(packet=begins.cum_sum().cast(pl.Int64) + done)
        last = rows["packet"][-1]
        rest = rows.filter(pl.col("packet") == last)
        ready = rows.head(rows.height - rest.height)
        if ready.height:
            yield ready
        done = last - 1
    if rest is not None:
        yield rest


def flagged(frame: pl.DataFrame, snapshot: pl.Expr) -> pl.DataFrame:
    """The levels of each packet by side and price, as the store keeps them, with `flags`.

    The first level of a packet of which `snapshot` holds clears the book, the last makes it consistent.
    """
    frame = frame.with_columns(_snapshot=snapshot).sort(*_ORDER, maintain_order=True)
    first = (pl.col("packet") != pl.col("packet").shift(1)).fill_null(value=True)
    last = (pl.col("packet") != pl.col("packet").shift(-1)).fill_null(value=True)
    bits = (first & pl.col("_snapshot").any().over("packet")).cast(pl.UInt16) * int(Flag.SNAPSHOT_START)
    return frame.with_columns(flags=bits | (last.cast(pl.UInt16) * int(Flag.LAST))).drop("_snapshot")
