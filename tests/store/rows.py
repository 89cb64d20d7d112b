"""Small frames of every dataset: a row is a place in time, a value, and when it was known."""

from __future__ import annotations

import polars as pl

from market.dataset import SCHEMAS, Dataset, clock

DAY = 1_767_225_600_000_000_000  # 2026-01-01
MINUTE = 60_000_000_000
VALUE = {
    Dataset.BARS: "close", Dataset.TRADES: "price", Dataset.QUOTES: "bid_price", Dataset.BOOK_SNAPSHOTS: "bids",
    Dataset.BOOK_DELTAS: "qty", Dataset.FUNDING_RATES: "rate", Dataset.OPEN_INTEREST: "qty", Dataset.SERIES: "value",
}
ANY_STATE = ("missing", "partial", "quarantined")
_SAME = {"instrument": 1, "interval_s": 60, "series": "mood", "source": "rest"}


def frame(dataset: Dataset, rows: list[tuple[int, int, int]], instrument: int = 1) -> pl.DataFrame:
    """Rows of (minute, value, minutes until known); where a dataset is known on reception the third number is idle."""
    out = []
    for place, value, known in rows:
        at = DAY + place * MINUTE
        row: dict[str, object] = {name: _SAME.get(name, 1) for name in SCHEMAS[dataset]} | {"instrument": instrument}
        row |= {"ts_event": at, clock(dataset): at} | ({"ts_known": at + known * MINUTE} if "ts_known" in row else {})
        row |= {"bids": [], "asks": []} if dataset is Dataset.BOOK_SNAPSHOTS else {}
        row[VALUE[dataset]] = [{"price": value, "qty": 1}] if dataset is Dataset.BOOK_SNAPSHOTS else value
        out.append(row)
    return pl.DataFrame(out, schema=SCHEMAS[dataset], orient="row").select(list(SCHEMAS[dataset]))


def values(dataset: Dataset, read: pl.DataFrame) -> dict[int, int]:
    """What a reader gave: value by minute."""
    column = read[VALUE[dataset]].to_list()
    if dataset is Dataset.BOOK_SNAPSHOTS:
        column = [levels[0]["price"] for levels in column]
    return dict(zip(((read[clock(dataset)] - DAY) // MINUTE).to_list(), (int(v) for v in column), strict=True))
