"""The codec: what each message means, that both decoders agree, and that nothing is dropped in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from infra.settings import PROJECT
from market.book import Books, BookStatus
from market.events import Events, Flag, Kind, Side, empty
from tests.venues import fuzz
from tests.venues.frames import HAND_MADE, RECV, both, instrument, lines_of, raw_streams, room, sessions
from venues.binance.codec import (
    DeadLetter,
    ExactDecoder,
    FastDecoder,
    connections,
    decode_snapshot,
    room_for,
    subscriptions,
)
from venues.errors import VenueCode

MS = 1_000_000
BTC = instrument()
EXACT, FAST = ExactDecoder([BTC]), FastDecoder([BTC])


def rows(events: Events) -> list[tuple[int, ...]]:
    """kind, side, price, qty, seq, aux, ts_event, flags."""
    names = ("kind", "side", "price", "qty", "seq", "aux", "ts_event", "flags")
    return [tuple(int(event[name]) for name in names) for event in events]


def test_each_message_means_what_it_says() -> None:
    decoded = [rows(both(EXACT, FAST, frame)[1]) for frame in HAND_MADE]
    trade, quote, delta, last = Kind.TRADE, Kind.QUOTE, Kind.BOOK_DELTA, Flag.LAST
    assert decoded == [
        [(trade, Side.BUY, 2814510, 10, 16599292, 0, 1626992741421 * MS, last | Flag.AGGREGATE)],
        [(trade, Side.SELL, 2814510, 2, 3535186032, 0, 1680652700452 * MS, last)],
        [
            (quote, Side.BUY, 2814510, 3868, 2710246762461, 0, 1680652700430 * MS, 0),
            (quote, Side.SELL, 2814520, 6887, 2710246762461, 0, 1680652700430 * MS, last),
        ],
        [
            (quote, Side.BUY, 6183763, 3788, 50093239212, 0, 0, 0),
            (quote, Side.SELL, 6183764, 1546, 50093239212, 0, 0, last),
        ],
        [
            (delta, Side.BUY, 500000, 14368, 2710246765597, 2710246765327, 1680652700586 * MS, 0),
            (delta, Side.BUY, 2801890, 0, 2710246765597, 2710246765327, 1680652700586 * MS, 0),
            (delta, Side.SELL, 2814520, 6961, 2710246765597, 2710246765327, 1680652700586 * MS, last),
        ],
        [(delta, Side.NONE, 0, 0, 5010, 5009, 1723161255208 * MS, last)],
        [
            (Kind.MARK, 0, 2814727, 0, 0, 2814727373413, 1680652701000 * MS, 0),
            (Kind.INDEX, 0, 2815976, 0, 0, 2815975642857, 1680652701000 * MS, 0),
            (Kind.FUNDING, 0, -27540000, 0, 0, 1680652800000 * MS, 1680652701000 * MS, last),
        ],
        [],
    ]
    assert all((both(EXACT, FAST, frame)[1]["ts_recv"] == RECV).all() for frame in HAND_MADE)


def test_the_kernel_takes_the_plain_messages_itself() -> None:
    fast = FastDecoder([BTC])
    for frame in HAND_MADE[:-1]:
        fast.decode(frame, RECV, room(frame))
    assert fast.declined == 0


def changed(frame: bytes, **fields: Any) -> bytes:
    """The message with some fields of its data changed; None removes one."""
    message = json.loads(frame)
    data = message.get("data", message)
    for key, value in fields.items():
        data[key] = value
        if value is None:
            del data[key]
    return json.dumps(message, separators=(",", ":")).encode()


AGG, TRADE, TICKER, SPOT, DEPTH, EMPTY_DEPTH, MARK, ANSWER = HAND_MADE


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", DeadLetter.NOT_JSON),
        (b"<html>maintenance</html>", DeadLetter.NOT_JSON),
        (AGG[:-1], DeadLetter.NOT_JSON),
        (AGG + b"x", DeadLetter.NOT_JSON),
        (b"[]", DeadLetter.BAD_SHAPE),
        (b"{}", DeadLetter.UNKNOWN_TYPE),
        (changed(AGG, e="kline"), DeadLetter.UNKNOWN_TYPE),
        (changed(AGG, s="DOGEUSDT"), DeadLetter.UNKNOWN_SYMBOL),
        (changed(AGG, s=None), DeadLetter.BAD_SHAPE),
        (changed(AGG, p=None), DeadLetter.BAD_SHAPE),
        (changed(AGG, a=None), DeadLetter.BAD_SHAPE),
        (changed(AGG, m=None), DeadLetter.BAD_SHAPE),
        (changed(AGG, p=28145.1), DeadLetter.BAD_SHAPE),
        (changed(AGG, a="7"), DeadLetter.BAD_SHAPE),
        (changed(AGG, p="28145.105"), DeadLetter.TOO_PRECISE),
        (changed(AGG, q="0.0001"), DeadLetter.TOO_PRECISE),
        (changed(AGG, p="-1"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="0"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="1e3"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="+1"), DeadLetter.BAD_VALUE),
        (changed(AGG, p=".5"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="5."), DeadLetter.BAD_VALUE),
        (changed(AGG, p=""), DeadLetter.BAD_VALUE),
        (changed(AGG, p="NaN"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="١٢"), DeadLetter.BAD_VALUE),
        (changed(AGG, p="92233720368547758.08"), DeadLetter.BAD_VALUE),
        (changed(AGG, T=-5), DeadLetter.BAD_VALUE),
        (changed(AGG, T=10**16), DeadLetter.BAD_VALUE),
        (changed(DEPTH, b="1"), DeadLetter.BAD_SHAPE),
        (changed(DEPTH, a=None), DeadLetter.BAD_SHAPE),
        (changed(DEPTH, b=[["1", "2", "3"]]), DeadLetter.BAD_SHAPE),
        (changed(DEPTH, b=[["0", "2"]]), DeadLetter.BAD_VALUE),
        (changed(DEPTH, b=[["1", "-2"]]), DeadLetter.BAD_VALUE),
        (changed(DEPTH, u=None), DeadLetter.BAD_SHAPE),
        (changed(SPOT, B=None), DeadLetter.UNKNOWN_TYPE),
        (changed(SPOT, a=["x"]), DeadLetter.BAD_SHAPE),
        (changed(MARK, p="0"), DeadLetter.BAD_VALUE),
        (changed(MARK, p="1.123456789"), DeadLetter.TOO_PRECISE),
        (b'{"error":{"code":2,"msg":"Invalid request"},"id":1}', DeadLetter.REFUSED),
        (b'{"code":-1121,"msg":"Invalid symbol."}', DeadLetter.REFUSED),
    ],
)
def test_a_frame_that_gives_nothing_says_why(frame: bytes, reason: DeadLetter) -> None:
    assert both(EXACT, FAST, frame)[0] == -reason


def test_unusual_but_right_messages_are_taken_by_the_exact_decoder() -> None:
    spaced = json.dumps(json.loads(AGG)).encode()
    assert both(EXACT, FAST, spaced)[1].tobytes() == both(EXACT, FAST, AGG)[1].tobytes()
    delivery = changed(MARK, i=None, r="")
    assert [row[0] for row in rows(both(EXACT, FAST, delivery)[1])] == [Kind.MARK]
    largest = changed(AGG, p="92233720368547758.07")
    assert both(EXACT, FAST, largest)[1]["price"][0] == 2**63 - 1


prices = st.builds(
    lambda whole, fraction: f"{whole}{fraction}", st.integers(0, 10**9),
    st.sampled_from(["", ".1", ".10", ".01", ".010000", ".", ".123", ".00"]),
)
numbers = st.one_of(prices, st.sampled_from(["", "-1", "1e5", "007.5", "9" * 17, "9" * 19, "0", "0.00"]))
ids = st.integers(0, 2**63)
levels = st.lists(st.tuples(numbers, numbers), max_size=5)
messages = st.one_of(
    st.fixed_dictionaries(
        {"e": st.sampled_from(["trade", "aggTrade", "depthUpdate"]), "s": st.sampled_from(["BTCUSDT", "X"])},
        optional={
            "E": ids, "T": ids, "t": ids, "a": st.one_of(ids, numbers, levels), "p": numbers, "q": numbers,
            "m": st.booleans(), "U": ids, "u": ids, "pu": ids, "b": st.one_of(levels, numbers), "X": st.text(),
        },
    ),
    st.fixed_dictionaries(
        {"s": st.just("BTCUSDT"), "u": ids, "b": numbers, "B": numbers, "a": numbers, "A": numbers},
        optional={"e": st.just("bookTicker"), "T": st.integers(0, 10**13)},
    ),
    st.fixed_dictionaries(
        {"e": st.just("markPriceUpdate"), "s": st.just("BTCUSDT"), "p": numbers, "T": ids, "E": ids},
        optional={"i": numbers, "r": numbers, "P": numbers},
    ),
)


@given(messages, st.booleans(), st.booleans())
def test_both_decoders_agree_on_generated_messages(message: dict[str, Any], wrapped: bool, ascii_only: bool) -> None:
    whole = {"stream": "btcusdt@x", "data": message} if wrapped else message
    both(EXACT, FAST, json.dumps(whole, separators=(",", ":"), ensure_ascii=ascii_only).encode())


def test_both_decoders_agree_on_mutated_frames() -> None:
    good, bad = fuzz.run(seed=1, count=4000)
    assert good > 100
    assert bad > 1000


def test_no_mutation_reads_or_writes_out_of_bounds(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_OPT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.venues.fuzz", "2", "4000"], cwd=PROJECT, env=environment, capture_output=True,
        text=True, check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    good, bad = map(int, done.stdout.split())
    assert good > 100
    assert bad > 1000


def test_a_batch_gives_the_same_events_as_frame_by_frame() -> None:
    frames = [*HAND_MADE, b"garbage", AGG, changed(AGG, p="0.001"), DEPTH]
    buffer = np.frombuffer(b"".join(frames), dtype=np.uint8)
    ends = np.cumsum([len(frame) for frame in frames])
    times = np.arange(len(frames)) + RECV
    out, event_ends = empty(room_for(len(buffer), len(frames))), np.zeros(len(frames), dtype=np.int64)
    dead = FAST.decode_batch(buffer, ends, times, len(frames), out, event_ends)
    assert dead == [(8, DeadLetter.NOT_JSON), (10, DeadLetter.TOO_PRECISE)]
    single = []
    for frame, ts in zip(frames, times, strict=True):
        part = room(frame)
        single.append(part[: max(0, EXACT.decode(frame, int(ts), part))])
    assert out[: event_ends[-1]].tobytes() == np.concatenate(single).tobytes()
    assert event_ends.tolist() == np.cumsum([len(part) for part in single]).tolist()


def test_too_small_an_array_is_an_error_and_not_a_loss() -> None:
    for decoder in (EXACT, FAST):
        with pytest.raises(TickhouseError) as raised:
            decoder.decode(DEPTH, RECV, empty(2))
        assert raised.value.code is VenueCode.VENUE_BUFFER_SMALL


def test_a_snapshot_is_taken_whole_or_not_at_all() -> None:
    body = b'{"lastUpdateId":9,"T":5,"bids":[["2.50","1"],["2.40","0.5"]],"asks":[["2.60","3"]]}'
    events = decode_snapshot(BTC, body, RECV)
    kind = Kind.BOOK_SNAPSHOT
    assert rows(events) == [
        (kind, Side.BUY, 250, 1000, 9, 0, 5 * MS, Flag.SNAPSHOT_START),
        (kind, Side.BUY, 240, 500, 9, 0, 5 * MS, 0),
        (kind, Side.SELL, 260, 3000, 9, 0, 5 * MS, Flag.LAST),
    ]
    nothing = decode_snapshot(BTC, b'{"lastUpdateId":9,"bids":[],"asks":[]}', RECV)
    assert rows(nothing) == [(kind, 0, 0, 0, 9, 0, 0, Flag.SNAPSHOT_START | Flag.LAST)]
    for bad in (b"<html>", body.replace(b"2.40", b"2.401"), body.replace(b"bids", b"bid"), b"[]"):
        with pytest.raises(TickhouseError) as raised:
            decode_snapshot(BTC, bad, RECV)
        assert raised.value.code is VenueCode.VENUE_BAD_ANSWER


def test_names_and_addresses_of_streams() -> None:
    names = subscriptions([BTC], ("aggTrade", "depth@100ms"))
    assert names == ["btcusdt@aggTrade", "btcusdt@depth@100ms"]
    assert connections("wss://x", names, "linear") == [
        "wss://x/public/stream?streams=btcusdt@depth@100ms", "wss://x/market/stream?streams=btcusdt@aggTrade",
    ]
    assert connections("wss://x", names, "spot") == ["wss://x/stream?streams=btcusdt@aggTrade/btcusdt@depth@100ms"]
    with pytest.raises(TickhouseError) as raised:
        subscriptions([BTC], ("ticker",))
    assert raised.value.code is VenueCode.VENUE_STREAM_UNKNOWN
    with pytest.raises(TickhouseError) as raised:
        FastDecoder([BTC, instrument(number=2)])
    assert raised.value.code is VenueCode.VENUE_SYMBOL_TWICE


def test_many_symbols_and_long_ones_are_told_apart() -> None:
    listed = [instrument(f"COIN{number}USDT", number=number + 1) for number in range(300)]
    listed.append(instrument("AVERYLONGSYMBOLNAMEUSDT", number=999))
    exact, fast = ExactDecoder(listed), FastDecoder(listed)
    for one in listed:
        assert both(exact, fast, changed(AGG, s=one.venue_symbol))[1]["instrument"][0] == one.id
    assert fast.declined == 1


@pytest.mark.recordings
def test_recorded_streams_decode_equally_and_their_books_hold(recordings: Path) -> None:
    books: dict[str, Books] = {}
    for name, qty_scale, file in raw_streams(recordings):
        one = instrument(qty_scale=qty_scale)
        exact, fast = ExactDecoder([one]), FastDecoder([one])
        market = name.split("/")[1]
        book = books.setdefault(market, Books([1], [1 if market == "spot" else 10]))
        quotes: list[tuple[int, ...]] = []
        packets: list[tuple[int, ...]] = []
        for frame in lines_of(file):
            if frame.startswith(b'{"lastUpdateId"'):
                book.apply(decode_snapshot(one, frame, RECV))
                continue
            count, events = both(exact, fast, frame)
            assert count > 0, frame[:200]
            book.apply(events)
            kind = events["kind"][0]
            if kind == Kind.QUOTE:
                quotes.append((int(events["seq"][0]), *map(int, events["price"]), *map(int, events["qty"])))
            elif kind == Kind.BOOK_DELTA and book.status(1) is BookStatus.LIVE:
                best = book.best(1)
                packets.append((book.seq(1), best.bid, best.ask, best.bid_qty, best.ask_qty))
        assert fast.declined == 0
        assert book.status(1) is BookStatus.LIVE
        assert book.gaps(1) == 0
        compared, differing = _touches(packets, quotes)
        assert compared > 3000
        # In one fast move of the second spot file the venue left two quotes out.
        assert differing == (2 if name.endswith("20240809.gz") else 0)


def _touches(packets: list[tuple[int, ...]], quotes: list[tuple[int, ...]]) -> tuple[int, int]:
    """How many packets left a touch that can be held against the venue's last quote, and how many differ from it."""
    seen = np.array([quote[0] for quote in quotes])
    compared = differing = 0
    for seq, *touch in packets:
        at = int(np.searchsorted(seen, seq, side="right")) - 1
        if at >= 0:
            compared += 1
            differing += list(quotes[at][1:]) != touch
    return compared, differing


@pytest.mark.recordings
def test_recorded_sessions_decode_equally_or_are_dead_for_a_reason(recordings: Path) -> None:
    for session in sessions(recordings):
        exact, fast = ExactDecoder(session.instruments), FastDecoder(session.instruments)
        found: Counter[str] = Counter()
        for frame in session.frames:
            count, _ = both(exact, fast, frame)
            found["decoded" if count > 0 else "answer" if count == 0 else DeadLetter(-count).name] += 1
            if count < 0:
                assert b'"kline"' in frame
        klines = {"BINANCE": 2, "BINANCE_FUTURES": 67}[session.name]
        assert found["UNKNOWN_TYPE"] == klines
        assert found["decoded"] == {"BINANCE": 263, "BINANCE_FUTURES": 1468}[session.name]
