"""What stands in the marts, computed a second time from the seeded rows; changed days come through, others stay."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from infra.settings import PROJECT
from market import bars as market_bars
from market.dataset import INTERVALS, Dataset, label
from store import bars, datasets, ingest_log, writer
from store.ingest_log import IngestState
from tests.dbt import seed
from tests.dbt.seed import BTC, DAYS, ETH, INVERSE, NOT_WHOLE

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("dbt")]
DAY = 86_400
LONGER = {"5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": DAY}
UNITS = {BTC: (100, 1000), ETH: (10_000, 100), INVERSE: (10, 1)}


def whole(instrument: int) -> list[date]:
    return [day for day in seed.bars_of(instrument) if instrument != BTC or day not in NOT_WHOLE]


def minutes(instrument: int) -> np.ndarray:
    frame = pl.concat([seed.minutes(instrument, day) for day in whole(instrument)])
    out = market_bars.empty(frame.height)
    for name in market_bars.BAR.names:
        out[name] = frame[name].to_numpy()
    return out


def same(made: pl.DataFrame, wanted: np.ndarray, instrument: int) -> None:
    price, qty = UNITS[instrument]
    assert (made["ts_event"].to_numpy() == wanted["ts_event"]).all()
    for name in ("open", "high", "low", "close"):
        np.testing.assert_allclose(made[name].to_numpy(), wanted[name] / price, rtol=1e-13)
    np.testing.assert_allclose(made["volume"].to_numpy(), wanted["volume"] / qty, rtol=1e-12)
    told = wanted["count"].tolist() if instrument == BTC else [None] * len(wanted)
    assert made["trades"].to_list() == told


def read(marts, name: str, instrument: int) -> pl.DataFrame:
    made = marts.table(f"mart_bars_{name}", instrument=instrument).sort("ts_event")
    return made.with_columns(pl.col("ts_event").cast(pl.Int64) * 10**9)  # DateTime comes by Arrow as seconds


@pytest.mark.parametrize("instrument", [BTC, ETH, INVERSE])
def test_bars_at_every_interval_equal_the_platforms_own(marts, instrument):
    parts = minutes(instrument)
    same(read(marts, "1m", instrument), parts, instrument)
    for name, seconds in LONGER.items():
        same(read(marts, name, instrument), market_bars.aggregate(parts, seconds), instrument)


def shifted(parts: np.ndarray, origin: int, seconds: int) -> np.ndarray:
    """Bars of periods counted from `origin` (ns) instead of 1970."""
    moved = parts.copy()
    moved["ts_event"] -= origin
    made = market_bars.aggregate(moved, seconds)
    made["ts_event"] += origin
    return made


def test_weeks_begin_on_monday_and_months_on_the_first(marts):
    monday = seed.start_ns(date(1970, 1, 5))
    for instrument in (BTC, ETH, INVERSE):
        parts = minutes(instrument)
        made = read(marts, "1w", instrument)
        same(made, shifted(parts, monday, 7 * DAY), instrument)
        months = [
            shifted(parts[(parts["ts_event"] >= start) & (parts["ts_event"] < end)], start, (end - start) // 10**9)
            for start, end in (
                (seed.start_ns(date(2025, 12, 1)), seed.start_ns(date(2026, 1, 1))),
                (seed.start_ns(date(2026, 1, 1)), seed.start_ns(date(2026, 2, 1))),
            )
        ]
        same(read(marts, "1mo", instrument), np.concatenate(months), instrument)
    weeks = marts.read("SELECT toDate(ts_event) AS week, days FROM mart_bars_1w WHERE instrument = 1 ORDER BY week")
    assert weeks.rows() == [(date(2025, 12, 22), 2), (date(2025, 12, 29), 4), (date(2026, 1, 5), 3)]
    assert all(day.weekday() == 0 for day in weeks["week"])


def test_only_whole_days_come_in(marts):
    found = marts.read("SELECT DISTINCT day FROM mart_bars_5m WHERE instrument = 1 ORDER BY day")["day"].to_list()
    assert found == whole(BTC)
    assert set(DAYS) - set(found) == set(NOT_WHOLE)
    for table in ("staging_bars", "mart_bars_1m", "mart_bars_1d", "mart_minutes_daily", "mart_returns"):
        assert set(marts.table(table, instrument=BTC)["day"]) == set(found), table
    for table in ("staging_trades", "staging_quotes", "staging_funding", "staging_open_interest", "mart_trades_daily",
                  "mart_spreads_hourly", "mart_funding_carry"):
        assert set(marts.table(table)["day"]) == {DAYS[0], DAYS[1], DAYS[3]}, table


def test_the_venues_own_longer_bars_stand_beside_ours(marts):
    made = marts.read("SELECT * FROM staging_bars_venue ORDER BY ts_event")
    assert made.height == 24
    assert made.select("instrument", "interval_s", "open", "high", "volume").row(0) == (ETH, 3600, 1.0, 1.05, 0.07)


def test_bars_are_called_as_in_the_ingest_log():
    """dbt has a list of its own of what `market.dataset` names."""
    macro = (PROJECT / "dbt" / "macros" / "days.sql").read_text()
    (listed,) = re.findall(r"transform\(\{\{ seconds \}\},(.*?)concat", macro, re.DOTALL)
    seconds, names = re.findall(r"\[(.*?)\]", listed, re.DOTALL)
    named = dict(zip(map(int, seconds.split(",")), re.findall(r"'(\w+)'", names), strict=True))
    assert named == {one: label(Dataset.BARS, one) for one in INTERVALS}


def turnover(instrument: int, day: date) -> float:
    part, (price, qty) = seed.minutes(instrument, day), UNITS[instrument]
    if instrument == INVERSE:
        return float(part["volume"].sum()) * 100
    typical = (part["high"] + part["low"] + part["close"]) / 3 / price
    return float((typical * part["volume"] / qty).sum())


def test_a_day_at_a_glance(marts):
    row = marts.read("SELECT * FROM mart_bars_daily WHERE instrument = 1 ORDER BY day").row(0, named=True)
    part, deals = seed.minutes(BTC, DAYS[0]), seed.trades(BTC, DAYS[0])
    typical = (part["high"] + part["low"] + part["close"]) / 300
    assert row["vwap"] == pytest.approx((typical * part["volume"]).sum() / part["volume"].sum())
    before = np.concatenate([part["open"].to_numpy()[:1], part["close"].to_numpy()[:-1]])
    assert row["realised_volatility"] == pytest.approx(np.sqrt((np.log(part["close"] / before) ** 2).sum()))
    assert row["turnover"] == pytest.approx(turnover(BTC, DAYS[0]))
    assert row["minutes"] == part.height
    assert row["trades"] == 200
    known = deals.filter(pl.col("side") > 0)
    assert row["buyers_share"] == pytest.approx(known.filter(side=1)["qty"].sum() / known["qty"].sum())


def test_returns_stop_at_a_hole(marts):
    made = marts.table("mart_returns", instrument=BTC).sort("day")
    after_a_hole = [made["day"][0], DAYS[6], DAYS[8]]
    assert made.filter(pl.col("log_return").is_null())["day"].to_list() == after_a_hole
    close = made["close"].to_list()
    assert made["log_return"][1] == pytest.approx(math.log(close[1] / close[0]))
    assert made["simple_return"][1] == pytest.approx(close[1] / close[0] - 1)


def test_average_volume_counts_whole_days_of_the_window(marts):
    made = marts.read("SELECT * FROM mart_adv WHERE instrument = 1 ORDER BY day")
    for row in made.iter_rows(named=True):
        for window in (7, 30, 90):
            within = [day for day in whole(BTC) if row["day"] - timedelta(days=window) < day <= row["day"]]
            assert row[f"days_{window}"] == len(within)
            assert row[f"adv_{window}"] == pytest.approx(np.mean([turnover(BTC, day) for day in within]))


def test_spreads_weigh_each_quote_with_its_time(marts):
    for day in (DAYS[0], DAYS[1], DAYS[3]):
        part = seed.quotes(BTC, day).sort("ts_recv", "seq")
        ended = np.append(part["ts_recv"].to_numpy()[1:], seed.start_ns(day) + seed.DAY_NS)
        hours: dict[int, list[tuple[float, float, float]]] = {}
        for (at, bid, ask), end in zip(part.select("ts_recv", "bid_price", "ask_price").rows(), ended, strict=True):
            if bid <= 0 or ask < bid:
                continue
            for hour in range(at // (3600 * 10**9), (end - 1) // (3600 * 10**9) + 1):
                start, stop = hour * 3600 * 10**9, (hour + 1) * 3600 * 10**9
                hours.setdefault(hour, []).append((min(end, stop) - max(at, start), (ask - bid) / 100,
                                                   (ask - bid) / ((ask + bid) / 2) * 1e4))
        made = marts.table("mart_spreads_hourly", day=day).sort("ts_event")
        assert made["ts_event"].to_list() == [hour * 3600 for hour in sorted(hours)]
        for row, hour in zip(made.iter_rows(named=True), sorted(hours), strict=True):
            weight, quoted, relative = np.array(hours[hour]).T
            assert row["seconds"] == pytest.approx(weight.sum() / 1e9)
            assert row["quoted_spread"] == pytest.approx(np.average(quoted, weights=weight))
            assert row["relative_spread_bps"] == pytest.approx(np.average(relative, weights=weight))
        daily = marts.table("mart_spreads_daily", day=day).row(0, named=True)
        weight, quoted, relative = np.array([piece for pieces in hours.values() for piece in pieces]).T
        assert daily["quoted_spread"] == pytest.approx(np.average(quoted, weights=weight))
        assert daily["relative_spread_bps"] == pytest.approx(np.average(relative, weights=weight))
        assert daily["quotes"] == ((part["bid_price"] > 0) & (part["ask_price"] >= part["bid_price"])).sum()


def test_carry_is_what_shorts_received(marts):
    made = marts.read("SELECT * FROM mart_funding_carry ORDER BY day")
    carry = [seed.funding(INVERSE, day)["rate"].sum() / 1e12 for day in (DAYS[0], DAYS[1], DAYS[3])]
    assert made["settlements"].to_list() == [3, 3, 3]
    assert made["carry"].to_list() == pytest.approx(carry)
    assert made["carry_annualised"].to_list() == pytest.approx([one * 365 for one in carry])
    assert made["carry_30d_annualised"][2] == pytest.approx(np.mean(carry) * 365)
    assert made["days_30"].to_list() == [1, 2, 3]


def test_the_universe_holds_what_was_listed_and_ranks_by_what_was_known(marts):
    made = marts.read("SELECT * FROM mart_universe ORDER BY day, instrument")
    listed = {day: set(part["instrument"]) for (day,), part in made.partition_by("day", as_dict=True).items()}
    # ETH's last day began listed; BTC and the inverse contract reach back to their first data.
    assert listed == {day: {BTC, INVERSE} | ({ETH} if DAYS[2] <= day <= DAYS[9] else set()) for day in DAYS}
    for row in made.iter_rows(named=True):
        before = [day for day in whole(row["instrument"]) if day < row["day"]]
        assert row["adv_days"] == len(before)
        wanted = np.mean([turnover(row["instrument"], day) for day in before]) if before else None
        assert row["adv_30"] == (wanted if wanted is None else pytest.approx(wanted))
        assert (row["adv_rank"] is None) == (not before)
    last = {row["instrument"]: row["adv_rank"] for row in made.filter(day=DAYS[9]).iter_rows(named=True)}
    assert (last[BTC], last[ETH], last[INVERSE]) == (1, 2, 1)  # BTC and ETH in USDT, the contract in USD


def test_coverage_shows_days_that_nobody_asked_for(marts):
    made = marts.table("mart_coverage", dataset="bars", instrument=BTC).sort("day")
    assert made["day"].to_list() == list(DAYS)
    assert set(made["symbol"]) == {"BTC/USDT"}
    states = dict(made.select("day", "state").rows())
    for day in DAYS:
        told = NOT_WHOLE.get(day, IngestState.COMPLETE)
        assert states[day] == ("missing" if told is None else told.label)


def test_changed_days_come_through_and_others_are_not_touched(marts):
    """Last, as it changes history: a revision, a day become whole, one that is whole no more, a redenomination."""
    read_days = "SELECT day, day_stored FROM mart_bars_5m WHERE instrument = 1 GROUP BY ALL ORDER BY day"
    before = dict(marts.read(read_days).rows())
    then = marts.table("mart_universe", instrument=BTC, day=DAYS[1])["adv_30"].item()
    step = marts.table("mart_returns", instrument=ETH, day=DAYS[3])["log_return"].item()
    split = pl.DataFrame({"instrument": ETH, "ts_event": seed.start_ns(DAYS[3]), "ts_known": seed.start_ns(DAYS[2]),
                          "numerator": 1, "denominator": 1000, "reason": "test"})
    writer.insert(marts.client, "adjustments", split)
    row = seed.minutes(BTC, DAYS[0])[100:101].with_columns(high=pl.col("high") + 900_000, volume=pl.lit(10**9))
    assert datasets.write(marts.client, Dataset.BARS, row, seed.start_ns(DAYS[-1])) == 1
    ingest_log.record(marts.client, [
        seed.entry("bars", BTC, DAYS[0]), seed.entry("bars", BTC, DAYS[4]),
        seed.entry("bars", BTC, DAYS[6], IngestState.QUARANTINED),
    ])
    result = marts.run()
    assert result.success
    assert [check.check_name for check in result.get_asset_check_evaluations() if not check.passed] == []

    after = dict(marts.read(read_days).rows())
    assert set(after) == (set(before) | {DAYS[4]}) - {DAYS[6]}
    assert [day for day in after if day in before and after[day] != before[day]] == [DAYS[0]]
    revised = bars.read(marts.client, [BTC], seed.start_ns(DAYS[0]), seed.start_ns(DAYS[1]))
    made = marts.table("mart_bars_1d", instrument=BTC, day=DAYS[0]).select("high", "volume", "turnover").row(0)
    assert made[0] == revised["high"].max() / 100
    assert made[1] == pytest.approx(revised["volume"].sum() / 1000)
    assert made[2] > turnover(BTC, DAYS[0]) * 1.1
    # What was known when the next day began is still what was known then.
    known = marts.table("mart_universe", instrument=BTC, day=DAYS[1])["adv_30"].item()
    assert known == pytest.approx(then)
    adv = marts.table("mart_adv", instrument=BTC, day=DAYS[0])["adv_7"].item()
    assert adv == pytest.approx(made[2])
    # A thousand old units became a new one: the price did not move with it here, so the return is taken back.
    returned = marts.table("mart_returns", instrument=ETH, day=DAYS[3])["log_return"].item()
    assert returned == pytest.approx(step + math.log(1 / 1000))
