"""Reading as of a moment: what becomes known later never changes an earlier reading."""

from __future__ import annotations

import hypothesis
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.events import Kind
from store import bars, funding, labels, trades
from store.reader import read_latest
from store.revisions import Table, split

pytestmark = pytest.mark.stack

DAY = 1_767_225_600_000_000_000  # 2026-01-01
MINUTE = 60_000_000_000
KEY = ("instrument", "ts_event", "trade_id")
ANY_STATE = ("missing",)


def bar_frame(*closes, instrument=1, source="rest"):
    n = len(closes)
    opens = [DAY + i * MINUTE for i in range(n)]
    same = {name: list(closes) for name in ("open", "high", "low", "close")}
    return pl.DataFrame(
        {"instrument": [instrument] * n, "interval_s": [60] * n, "ts_event": opens}
        | {"ts_known": [t + MINUTE for t in opens], **same}
        | {"volume": [1] * n, "count": [1] * n, "source": [source] * n},
        schema_overrides={"instrument": pl.UInt32, "interval_s": pl.UInt32},
    )


def closes(client, as_of_ns=None):
    return bars.read(client, [1], DAY, DAY + 10 * MINUTE, as_of_ns=as_of_ns, allow=ANY_STATE)["close"].to_list()


def test_the_same_page_twice_changes_nothing(clickhouse):
    page = bar_frame(10, 11, 12)
    assert bars.write(clickhouse, page, DAY + 5 * MINUTE) == 3
    assert bars.write(clickhouse, page, DAY + 6 * MINUTE) == 0
    assert bars.write(clickhouse, bar_frame(10, 11, 12, source="bulk"), DAY + 6 * MINUTE) == 0
    assert clickhouse.command("SELECT count() FROM bars") == 3


def test_a_revision_counts_from_when_it_was_seen(clickhouse):
    bars.write(clickhouse, bar_frame(10, 11, 12), DAY + 5 * MINUTE)
    seen = DAY + 60 * MINUTE
    assert bars.write(clickhouse, bar_frame(10, 99, 12), seen) == 1
    assert closes(clickhouse, as_of_ns=seen - 1) == [10, 11, 12]
    assert closes(clickhouse, as_of_ns=seen) == closes(clickhouse) == [10, 99, 12]
    assert bars.write(clickhouse, bar_frame(10, 11, 12), seen + MINUTE) == 1, "back to the first value: a revision too"
    assert closes(clickhouse) == [10, 11, 12]
    assert closes(clickhouse, as_of_ns=seen) == [10, 99, 12]


def test_a_bar_is_not_known_before_its_close(clickhouse):
    bars.write(clickhouse, bar_frame(10, 11, 12), DAY)
    assert closes(clickhouse, as_of_ns=DAY + 2 * MINUTE - 1) == [10]
    assert closes(clickhouse, as_of_ns=DAY + 2 * MINUTE) == [10, 11]


def test_merges_do_not_lose_revisions(clickhouse):
    bars.write(clickhouse, bar_frame(10, 11), DAY)
    bars.write(clickhouse, bar_frame(20, 21), DAY + 60 * MINUTE)
    clickhouse.command("OPTIMIZE TABLE bars FINAL")
    assert closes(clickhouse, as_of_ns=DAY + 59 * MINUTE) == [10, 11]
    assert closes(clickhouse) == [20, 21]


revision = st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 2))  # trade, known after, price


@hypothesis.settings(max_examples=20)  # each is several trips to the server
@given(st.lists(revision, min_size=1, max_size=12), st.lists(revision, max_size=6))
def test_later_knowledge_never_changes_an_earlier_reading(revisions_client, early, late):
    """The property, on the store itself: what was read as of a moment stays so, whatever is written afterwards."""
    client, fresh = revisions_client
    instrument = fresh()
    write_raw(client, instrument, early)
    moment = DAY + 5
    before = read_raw(client, instrument, moment)
    write_raw(client, instrument, [(trade, known + 6, price) for trade, known, price in late])
    assert read_raw(client, instrument, moment).equals(before)
    newest = {trade: price for trade, _, price in sorted([*early], key=lambda r: r[1])}
    assert set(before["trade_id"]) == set(newest)


@pytest.fixture(scope="module")
def revisions_client(clickhouse_url, fresh_environment):
    from itertools import count

    from infra.settings import Settings
    from store.clickhouse import connect, migrate

    environment = fresh_environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings()
    migrate(settings)
    client, numbers = connect(settings), count(1)
    yield client, lambda: next(numbers)
    client.command(f"DROP DATABASE {settings.clickhouse.database}")
    client.close()


def write_raw(client, instrument, rows):
    from store.writer import insert

    insert(
        client,
        "trades",
        pl.DataFrame(
            {
                "instrument": [instrument] * len(rows),
                "ts_event": [DAY + trade for trade, _, _ in rows],
                "trade_id": [trade for trade, _, _ in rows],
                "ts_known": [DAY + known for _, known, _ in rows],
                "price": [price for _, _, price in rows],
                "qty": [1] * len(rows),
            },
            schema_overrides={"instrument": pl.UInt32},
        ),
    )


def read_raw(client, instrument, as_of_ns):
    return read_latest(
        client,
        "trades",
        columns=[*KEY, "price"],
        key=KEY,
        where="instrument = {instrument:UInt32}",
        parameters={"instrument": instrument},
        as_of_ns=as_of_ns,
    )


@given(
    st.dictionaries(st.integers(0, 5), st.integers(0, 3), max_size=6),
    st.dictionaries(st.integers(0, 5), st.integers(0, 3), min_size=1, max_size=6),
    st.integers(0, 200),
)
def test_split_keeps_what_is_new_or_different(held, fresh, seen):
    def frame(rows, known):
        schema = {"instrument": pl.UInt32, "ts_event": pl.Int64, "price": pl.Int64, "ts_known": pl.Int64}
        return pl.DataFrame([(1, k, v, known) for k, v in rows.items()], schema=schema, orient="row")

    table = Table("t", ("instrument", "ts_event"), "ts_event")
    out = pl.concat(split(frame(fresh, 50), frame(held, 100), table, seen))
    expected = {k: (v, 50 if k not in held else max(50, seen, 101)) for k, v in fresh.items() if held.get(k) != v}
    assert {row["ts_event"]: (row["price"], row["ts_known"]) for row in out.iter_rows(named=True)} == expected


def test_history_older_than_the_retention_is_kept_when_it_is_backfilled(clickhouse):
    old = bar_frame(10).with_columns(ts_event=pl.lit(MINUTE), ts_known=pl.lit(2 * MINUTE))
    bars.write(clickhouse, old, DAY)
    tick = {"instrument": [1], "ts_event": [MINUTE], "trade_id": [1], "ts_known": [MINUTE], "price": [1], "qty": [1]}
    trades.write(clickhouse, pl.DataFrame(tick), DAY)
    clickhouse.command("OPTIMIZE TABLE trades FINAL")
    assert clickhouse.command("SELECT (SELECT count() FROM bars) + (SELECT count() FROM trades)") == 2


def test_trades_become_events_in_order(clickhouse):
    frame = pl.DataFrame(
        {"instrument": [2, 1, 1], "ts_event": [DAY + 5, DAY + 5, DAY], "trade_id": [7, 9, 3], "ts_known": [DAY + 6] * 3}
        | {"price": [1, 2, 3], "qty": [4, 5, 6], "side": [1, 2, 1], "flags": [0, 4, 0], "source": ["rest"] * 3},
        schema_overrides={"instrument": pl.UInt32},
    )
    trades.write(clickhouse, frame, DAY)
    events = trades.events(clickhouse, [1, 2], DAY, DAY + MINUTE, allow=ANY_STATE)
    assert events["seq"].tolist() == [3, 7, 9]
    assert events["instrument"].tolist() == [1, 2, 1]
    assert events["side"].tolist() == [1, 1, 2]
    assert set(events["kind"]) == {Kind.TRADE}
    assert set(events["ts_recv"]) == {DAY + 6}
    assert len(trades.events(clickhouse, [1], DAY + MINUTE, DAY + 2 * MINUTE, allow=ANY_STATE)) == 0


def test_funding_and_labels(clickhouse):
    rate = {"instrument": [1], "ts_event": [DAY], "ts_known": [DAY], "rate": [10**8], "mark_price": [5]}
    assert funding.write(clickhouse, pl.DataFrame(rate), DAY) == 1
    assert funding.read(clickhouse, [1], DAY, DAY + 1, allow=ANY_STATE)["rate"].to_list() == [10**8]
    label = pl.DataFrame({"instrument": [1], "ts_event": [DAY], "seq": [1], "ts_known": [DAY + 60], "value": [0.5]})
    labels.write(clickhouse, "ahead", label)
    assert labels.read(clickhouse, "ahead", [1], DAY, DAY + 1, as_of_ns=DAY + 59).is_empty()
    assert labels.read(clickhouse, "ahead", [1], DAY, DAY + 1, as_of_ns=DAY + 60)["value"].to_list() == [0.5]
