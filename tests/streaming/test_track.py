"""The track step: repeats, holes, what is proved, and the same features however the wake-ups are cut."""

import numpy as np
import pytest

from market.events import EVENT
from signals.features import registry
from streaming.bench import frames
from streaming.input_log import CONTROL_UP, Entry, Input
from streaming.track import CATCH_UP, SNAPSHOT, STATE
from tests.streaming.kit import T0

PRICES = ("100.00", "100.05", "99.98", "100.01", "100.02", "99.97")


def proved(batch, instrument=1):
    return next((quote.proved for quote in reversed(batch.quotes) if quote.instrument == instrument), None)


def trades_by_rest(rig, first, prices):
    """Trade events as the REST side brings them, numbered from `first`."""
    rows = np.zeros(len(prices), dtype=EVENT)
    for at, price in enumerate(prices):
        body = rig.trade_frame(1, price, number=first + at, ts_ms=T0 // 10**6 + first + at)
        rig.engine.decode._decoder.decode(body, rig.clock, rows[at : at + 1])
    return rows


def catch_up(rig, covered, rows):
    return rig.run(Input(Entry.CATCH_UP, rig.clock, CATCH_UP.pack(1, covered) + rows.tobytes()))


def numbered(rig, *numbers):
    return rig.frames(*(
        rig.trade_frame(1, PRICES[n % len(PRICES)], number=n, ts_ms=T0 // 10**6 + n) for n in numbers
    ))  # fmt: skip


def test_wake_ups_may_be_cut_anywhere(make_rig):
    whole, single = make_rig("a"), make_rig("b")
    numbers = list(range(1, 30))
    last = numbered(whole, *numbers)
    for number in numbers:
        each = numbered(single, number)
    assert last.digest == each.digest != 0
    assert np.array_equal(last.views[-1].features, each.views[-1].features)


def test_a_repeated_trade_changes_nothing(make_rig):
    rig = make_rig()
    digest = numbered(rig, 1, 2, 3).digest
    again = numbered(rig, 2, 3, 1)
    assert again.digest == digest
    assert again.views == []


def test_a_hole_is_asked_for_once_and_filled_before_anything_goes_on(make_rig):
    straight, rig = make_rig("a"), make_rig("b")
    wanted = numbered(straight, *range(1, 9))
    rig.feed()
    numbered(rig, 1, 2)
    first = numbered(rig, 5, 6)
    assert [(ask.what, ask.instrument, ask.start, ask.stop) for ask in first.asks if ask.what == "trades"] == [
        ("trades", 1, 3, 5)
    ]
    assert first.views == []
    assert [ask.what for ask in numbered(rig, 7).asks if ask.what == "trades"] == []
    got = catch_up(rig, 4, trades_by_rest(rig, 3, [PRICES[3], PRICES[4]]))
    assert got.views, "what waited is news"
    done = numbered(rig, 8)
    assert done.digest == wanted.digest
    assert np.array_equal(done.views[-1].features, wanted.views[-1].features)


def test_ids_that_the_venue_itself_left_out_do_not_stop_the_flow(make_rig):
    rig = make_rig()
    numbered(rig, 1)
    numbered(rig, 4)
    assert catch_up(rig, 3, np.zeros(0, dtype=EVENT)).views
    assert numbered(rig, 5).views


def test_a_stored_state_goes_on_where_history_ended(make_rig):
    history, rig = make_rig("a"), make_rig("b")
    before = numbered(history, *range(1, 20))
    group = registry.get("flow")
    state = history.engine.track._states[0]
    assert state.shape == group.state(1).shape
    wanted = numbered(history, 20, 21)
    rig.run(Input(Entry.STATE, rig.clock, STATE.pack(1, 19, before.views[-1].ts) + _state_after_19(history, rig)))
    got = numbered(rig, 20, 21)
    assert np.array_equal(got.views[-1].features, wanted.views[-1].features)


def _state_after_19(history, rig):
    """The kernel's state after trade 19, by the kernel itself."""
    group = registry.get("flow")
    state = group.state(1)
    rows = trades_by_rest(history, 1, [PRICES[n % len(PRICES)] for n in range(1, 20)])
    group.update(state, rows, np.empty((len(rows), len(group.names))), np.empty(len(rows), dtype=np.int64))
    return state.tobytes()


def test_a_quote_is_proved_by_feed_book_and_trades_together(make_rig):
    rig = make_rig()
    assert proved(rig.quote(1)) is False
    assert proved(rig.feed()) is False
    assert proved(rig.run(Input(Entry.SNAPSHOT, rig.clock, SNAPSHOT.pack(1) + frames.snapshot()))) is True
    numbered(rig, 1)
    assert proved(numbered(rig, 3)) is False
    assert proved(catch_up(rig, 2, np.zeros(0, dtype=EVENT))) is True
    assert proved(rig.feed(up=False)) is False
    assert proved(rig.feed()) is False, "after a lost connection the book needs a new snapshot"


def test_a_broken_book_asks_for_a_snapshot_until_one_proves_it(make_rig):
    rig = make_rig()
    rig.feed()
    name = rig.lives[0].venue_symbol
    asks = rig.quote(1).asks
    assert {ask.what for ask in asks} == {"snapshot"}
    assert rig.quote(1).asks == []
    refused = rig.run(Input(Entry.SNAPSHOT, rig.clock, SNAPSHOT.pack(1) + b"<html>"))
    assert [ask.instrument for ask in refused.asks] == [1]
    assert proved(rig.run(Input(Entry.SNAPSHOT, rig.clock, SNAPSHOT.pack(1) + frames.snapshot()))) is True
    hole = rig.frames(f'{{"e":"depthUpdate","E":1,"T":1,"s":"{name}","U":90,"u":99,"pu":89,"b":[],"a":[]}}'.encode())
    assert [ask.instrument for ask in hole.asks] == [1]
    assert proved(hole) is False


@pytest.mark.parametrize("garbage", [b"<html>", b"{}", b"\xff\xfe", b'{"e":"aggTrade","s":"NOPE"}', b""])
def test_garbage_is_put_aside_with_its_bytes_and_stops_nobody(make_rig, garbage):
    rig = make_rig()
    batch = rig.frames(rig.trade_frame(1), garbage, rig.trade_frame(2))
    assert [letter.frame for letter in batch.dead] == [garbage]
    assert len(batch.events) == 2
    assert len(batch.views) == 2


def test_a_new_control_process_is_asked_again_for_what_the_old_one_owes(make_rig):
    rig = make_rig()
    rig.feed()
    owed = rig.quote(1).asks
    assert rig.run(Input(Entry.LINK, rig.clock, CONTROL_UP)).asks == owed
    for life in rig.lives:
        rig.run(Input(Entry.SNAPSHOT, rig.clock, SNAPSHOT.pack(life.id) + frames.snapshot()))
    assert rig.run(Input(Entry.LINK, rig.clock, CONTROL_UP)).asks == []
