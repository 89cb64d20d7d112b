"""Lives: which one a day belongs to, when a venue's word means another one, and what looks like two in one."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import lives
from market.instrument import Instrument, InstrumentKind, InstrumentSpec, Status

DAY = lives.DAY_NS
HOUR = DAY // 24


def life(
    number: int = 1, start: int = 10, end: int = 0, *, listed: bool = True, symbol: str = "LUNA/USDT"
) -> Instrument:
    return Instrument(
        number, "binance", symbol, symbol.replace("/", ""), InstrumentKind.SPOT, "LUNA", "USDT", "USDT", 4, 2, 10**8,
        start * DAY, end * DAY, start * DAY if listed else 0,
    )


def spec(now: int, listed: int = 0, delisted: int = 0, status: Status = Status.TRADING) -> InstrumentSpec:
    return InstrumentSpec(
        venue="binance", symbol="LUNA/USDT", venue_symbol="LUNAUSDT", kind=InstrumentKind.SPOT, base="LUNA",
        quote="USDT", settle="USDT", price_scale=4, qty_scale=2, contract_size=10**8, tick=1, lot=1, min_qty=1,
        max_qty=0, min_notional=0, maker_fee_ppm=0, taker_fee_ppm=0, status=status, valid_from=now * DAY,
        listed=listed * DAY, delisted=delisted * DAY,
    )


OLD, NEW = life(1, 10, 20), life(2, 38)


def test_a_day_belongs_to_the_life_of_that_day() -> None:
    both = [NEW, OLD, life(3, 0, symbol="X/USDT")]

    def ids(start: int, end: int) -> list[int]:
        return [found.id for found in lives.on_day(both, "binance", "LUNA/USDT", start * DAY, end * DAY)]

    assert ids(0, 9) == []
    assert ids(12, 13) == ids(19, 20) == [1]
    assert ids(20, 38) == [], "delisted, and the name not yet taken again"
    assert ids(40, 41) == [2]
    assert ids(15, 40) == [1, 2]
    assert lives.on_day(both, "kraken", "LUNA/USDT", 0, 100 * DAY) == []


def test_an_unknown_listing_reaches_back_unless_the_name_had_another_life() -> None:
    first, second = life(1, 10, 20, listed=False), life(2, 38, listed=False)
    assert lives.on_day([first, second], "binance", "LUNA/USDT", 0, DAY) == [first]
    assert lives.on_day([first, second], "binance", "LUNA/USDT", 30 * DAY, 31 * DAY) == []
    assert lives.on_day([second], "binance", "LUNA/USDT", 0, DAY) == [second]


def test_the_universe_keeps_what_was_delisted_later() -> None:
    assert [x.id for x in lives.universe([NEW, OLD], 15 * DAY)] == [1]
    assert lives.universe([NEW, OLD], 25 * DAY) == []
    assert [x.id for x in lives.universe([NEW, OLD], 38 * DAY)] == [2]


def test_names_in_time() -> None:
    names = [(1, "NANO/USDT", "NANOUSDT", 10 * DAY), (1, "XNO/USDT", "XNOUSDT", 30 * DAY)]
    told = lives.spells([life(1, 10, listed=False, symbol="XNO/USDT")], names)
    assert [(x.symbol, x.venue_symbol, x.valid_from // DAY, x.valid_to // DAY) for x in told] == [
        ("NANO/USDT", "NANOUSDT", 10, 30), ("XNO/USDT", "XNOUSDT", 30, 0),
    ]
    asked = lives.on_day(told, "binance", "XNO/USDT", 0, DAY)
    assert [x.symbol for x in asked] == ["NANO/USDT"], "a day is asked for by the name of that day"
    assert lives.on_day(told, "binance", "NANO/USDT", 40 * DAY, 41 * DAY) == []


@pytest.mark.parametrize(
    ("known", "said", "found", "ended"),
    [
        ([], spec(50), None, 0),
        ([NEW], spec(50), 2, 0),
        ([NEW], spec(50, listed=38), 2, 0),
        ([life(1, 10)], spec(50, listed=38), None, 38),          # a later listing is another life
        ([life(1, 10, listed=False)], spec(50, listed=38), None, 38),
        ([life(1, 40, listed=False)], spec(50, listed=38), 1, 0),  # seen from 40 on, listed before
        ([OLD], spec(50), None, 0),                              # it came back: another life
        ([OLD], spec(50, listed=38), None, 0),
        ([OLD], spec(50, listed=10), 1, 0),                      # the venue's list had lost it for a while
        ([OLD], spec(50, listed=10, delisted=20), 1, 0),         # still listed as delisted
        ([OLD], spec(50, delisted=45, status=Status.DELISTED), None, 0),
        ([OLD, NEW], spec(50), 2, 0),
    ],
)  # fmt: skip
def test_what_a_venue_speaks_of(known: list[Instrument], said: InstrumentSpec, found: int | None, ended: int) -> None:
    match = lives.match(known, said)
    assert (match.life.id if match.life else None) == found
    assert [x.valid_to for x in match.ended] == ([ended * DAY] if ended else [])


def test_the_end_is_the_venue_s_own_word() -> None:
    assert lives.end_of(spec(50)) == 0
    assert lives.end_of(spec(50, delisted=60)) == 0, "announced"
    assert lives.end_of(spec(50, delisted=40)) == 40 * DAY
    assert lives.end_of(spec(50, status=Status.DELISTED)) == 50 * DAY


def test_what_is_learned() -> None:
    unknown = life(1, 40, listed=False)
    assert lives.learn(unknown, spec(50)) is None
    assert lives.learn(unknown, spec(50, listed=38)) == replace(unknown, listed=38 * DAY, valid_from=38 * DAY)
    assert lives.learn(OLD, spec(50, listed=10)) == replace(OLD, valid_to=0)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True), st.integers(0, 60), st.integers(0, 60))
def test_lives_of_one_name_never_share_a_moment(listings: list[int], one: int, other: int) -> None:
    """Told of listings one after the other, a name has one life at a time, each of the latest listing before."""
    known: list[Instrument] = []
    for number, day in enumerate(sorted(listings, key=lambda day: day * 2)):
        found = lives.match(known, spec(60, listed=day * 2))
        known = [x for x in known if x.id not in {y.id for y in found.ended}] + list(found.ended)
        if found.life is None:
            known.append(life(number + 1, day * 2))
    assert len(known) == len(listings)
    assert all(len(lives.universe(known, at * DAY)) <= 1 for at in (one, other))


def bars(*rows: tuple[int, int, int, int]) -> pl.DataFrame:
    schema = {"instrument": pl.UInt32, "ts_event": pl.Int64, "open": pl.Int64, "close": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(interval_s=pl.lit(3600, dtype=pl.UInt32))


def test_luna_is_found_out() -> None:
    frame = bars((1, 0, 10, 9), (1, HOUR, 9, 5), (1, 440 * HOUR, 900_000, 850_000), (2, 0, 5, 5), (2, HOUR, 900, 900))
    (found,) = lives.suspicious(frame.reverse())
    assert (found.instrument, found.ended, found.resumed, found.silent_hours) == (1, HOUR, 440 * HOUR, 438.0)
    assert found.log_return == pytest.approx(math.log(900_000 / 5))
    assert found.power_of_ten == 0


def test_a_redenomination_is_told_by_its_power_of_ten() -> None:
    (found,) = lives.suspicious(bars((1, 0, 10, 10), (1, 100 * HOUR, 10_500, 10_000)))
    assert found.power_of_ten == 3
    (found,) = lives.suspicious(bars((1, 0, 800, 850), (1, 100 * HOUR, 84, 80)))
    assert found.power_of_ten == -1


def test_a_silence_or_a_jump_alone_is_no_suspicion() -> None:
    assert lives.suspicious(bars((1, 0, 10, 10), (1, 500 * HOUR, 20, 20))) == []
    assert lives.suspicious(bars((1, 0, 10, 10), (1, HOUR, 10_000, 10_000))) == []
    assert lives.suspicious(bars((1, 0, 10, 0), (1, 500 * HOUR, 10_000, 10_000))) == []
    assert lives.suspicious(bars()) == []
