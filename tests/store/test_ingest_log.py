"""The ingest log: which days may be read, and content hashes."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from market.dataset import Dataset
from store import bars
from store.errors import StoreCode
from store.ingest_log import DAY_NS, IngestEntry, IngestState, content_hash, days_between, record, states

DAY = 1_767_225_600_000_000_000  # 2026-01-01
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


def entry(day, state, instrument=1):
    return IngestEntry(Dataset.BARS, "binance", instrument, day, state, 0, "", "rest")


@pytest.mark.stack
def test_only_complete_days_are_read(clickhouse):
    record(clickhouse, [entry(FIRST, IngestState.COMPLETE), entry(SECOND, IngestState.VERIFIED_EMPTY)])
    assert bars.read(clickhouse, [1], DAY, DAY + 2 * DAY_NS).is_empty()
    with pytest.raises(TickhouseError) as caught:
        bars.read(clickhouse, [1, 2], DAY, DAY + 2 * DAY_NS)
    assert caught.value.code is StoreCode.DATA_NOT_COMPLETE
    assert caught.value.context == {
        "dataset": "bars", "instrument": 2, "day": FIRST, "state": "missing", "days_like_it": 2
    }  # fmt: skip


@pytest.mark.stack
@pytest.mark.parametrize("state", [IngestState.PARTIAL, IngestState.MISSING, IngestState.QUARANTINED])
def test_other_states_are_read_only_by_name(clickhouse, state):
    record(clickhouse, [entry(FIRST, IngestState.COMPLETE)])
    record(clickhouse, [entry(FIRST, state)])
    with pytest.raises(TickhouseError):
        bars.read(clickhouse, [1], DAY, DAY + 1)
    assert bars.read(clickhouse, [1], DAY, DAY + 1, allow=(state.label,)).is_empty()


@pytest.mark.stack
def test_the_latest_entry_of_a_day_counts(clickhouse):
    for state in (IngestState.PARTIAL, IngestState.COMPLETE):
        record(clickhouse, [entry(FIRST, state)])
    assert states(clickhouse, "bars", "binance", FIRST, SECOND) == {(1, FIRST): IngestState.COMPLETE}
    assert states(clickhouse, "bars", "binance", SECOND, date(2026, 2, 1)) == {}
    assert record(clickhouse, []) == 0


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [(DAY, DAY, []), (DAY, DAY + 1, [FIRST]), (DAY, DAY + DAY_NS, [FIRST]), (DAY - 1, DAY + DAY_NS + 1, 3)],
)
def test_days_of_a_range(start, end, days):
    found = days_between(start, end)
    assert found == days if isinstance(days, list) else len(found) == days


row = st.tuples(st.integers(-(2**63), 2**63 - 1), st.one_of(st.none(), st.integers(0, 5)), st.text(max_size=5))


@given(st.lists(row, max_size=8), st.randoms(use_true_random=False))
def test_the_hash_knows_the_rows_not_their_order(rows, random):
    schema = {"a": pl.Int64, "b": pl.Int64, "c": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    shuffled = rows.copy()
    random.shuffle(shuffled)
    again = pl.DataFrame(shuffled, schema=schema, orient="row").select("c", "a", "b")
    assert content_hash(frame) == content_hash(again.with_columns(ts_stored=pl.lit(1)))


@given(st.lists(row, min_size=1, max_size=8), st.integers(0, 7))
def test_the_hash_sees_one_changed_value(rows, where):
    schema = {"a": pl.Int64, "b": pl.Int64, "c": pl.String}
    i = where % len(rows)
    changed = [*rows[:i], (rows[i][0] ^ 1, *rows[i][1:]), *rows[i + 1 :]]
    one, two = (pl.DataFrame(r, schema=schema, orient="row") for r in (rows, changed))
    assert (content_hash(one) == content_hash(two)) == (sorted(map(repr, rows)) == sorted(map(repr, changed)))
