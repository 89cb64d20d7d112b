"""Readings in pieces: the same rows in the same order, however small the pieces are and however parts lie."""

from __future__ import annotations

import polars as pl
import pytest

from market.dataset import Dataset
from store import datasets, scan, writer
from store.reader import in_range, read_latest
from tests.store.rows import ANY_STATE, DAY, MINUTE, frame

pytestmark = pytest.mark.stack


def everything(client, dataset, as_of=None):
    """What ClickHouse alone chooses."""
    return read_latest(
        client, dataset, columns=datasets.SCHEMAS[dataset], key=datasets.KEYS[dataset],
        where=in_range(datasets.clock(dataset)), parameters={"start_ns": DAY, "end_ns": DAY + 100 * MINUTE},
        as_of_ns=as_of, first_wins=True,
    ).pipe(datasets.conform, dataset)


@pytest.mark.parametrize("rows", [2, 1000])
@pytest.mark.parametrize("dataset", list(Dataset))
def test_pieces_make_the_whole(clickhouse, monkeypatch, dataset, rows):
    monkeypatch.setattr(scan, "PIECE_ROWS", rows)
    clickhouse.command(f"SYSTEM STOP MERGES {dataset}")  # several parts, out of order
    try:
        datasets.write(clickhouse, dataset, frame(dataset, [(i, i, 1) for i in range(20, 30)]), DAY)
        datasets.write(clickhouse, dataset, frame(dataset, [(i, i, 1) for i in range(10)], instrument=2), DAY)
        datasets.write(clickhouse, dataset, frame(dataset, [(i, i, 1) for i in range(10)]), DAY)
        writer.insert(clickhouse, dataset, frame(dataset, [(3, 99, 1)], instrument=2))  # a rival that came later
        datasets.write(clickhouse, dataset, frame(dataset, [(5, 77, 1)]), DAY + 50 * MINUTE)
        for as_of in (None, DAY + 49 * MINUTE):
            asked = (clickhouse, dataset, [2, 1, 7], DAY, DAY + 100 * MINUTE, as_of)
            whole = datasets.read(*asked, allow=ANY_STATE, series="mood")
            assert whole.equals(everything(clickhouse, dataset, as_of))
            assert whole.height == 30
            parts = list(datasets.scan(*asked, allow=ANY_STATE, series="mood"))
            assert pl.concat(parts).equals(whole)
            assert len(parts) > 1 or rows == 1000
    finally:
        clickhouse.command(f"SYSTEM START MERGES {dataset}")


def test_nothing_asked_or_nothing_there(clickhouse):
    for asked in (([], DAY, DAY + 1), ([1], DAY, DAY), ([1], DAY, DAY + 1)):
        assert datasets.read(clickhouse, Dataset.BARS, *asked, allow=ANY_STATE).is_empty()
        (only,) = datasets.scan(clickhouse, Dataset.BARS, *asked, allow=ANY_STATE)
        assert list(only.columns) == list(datasets.SCHEMAS[Dataset.BARS])
