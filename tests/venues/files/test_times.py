"""Written times to nanoseconds."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.files import times

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1))  # noqa: DTZ001 - the zone is given where it is written


def ns(moment: datetime) -> int:
    return round((moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1_000


def one(text: str, how: str = "iso", zone: str = "UTC") -> int | None:
    return times.nanoseconds(pl.Series([text]), how, zone)[0]


@given(MOMENTS)
def test_iso_times_are_exact(moment):
    for text in (moment.isoformat(), moment.isoformat(" "), moment.isoformat() + "Z", moment.isoformat() + "+00:00"):
        assert one(text) == ns(moment)
    assert one(moment.isoformat(), "iso", "UTC+03:00") == ns(moment) - 3 * times.DAY_NS // 24
    assert one(moment.isoformat() + "-05:30", "iso", "UTC+03:00") == ns(moment) + 5 * 3_600 * 10**9 + 1_800 * 10**9


@given(MOMENTS, st.sampled_from(["%d-%m-%Y %H:%M:%S", "%Y%m%d %H:%M:%S", "%Y-%m-%d %I:%M:%S %p", "%b %d %Y %H.%M.%S"]))
def test_patterns_read_what_strptime_writes(moment, pattern):
    moment = moment.replace(microsecond=0)
    assert one(moment.strftime(pattern), pattern) == ns(moment)


@pytest.mark.parametrize(("text", "hour"), [("12-AM", 0), ("09-AM", 9), ("12-PM", 12), ("11-PM", 23)])
def test_twelve_comes_before_one(text, hour):
    assert one(f"2019-10-17 {text}", "%Y-%m-%d %I-%p") == ns(datetime(2019, 10, 17, hour))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "how"),
    [("2019-02-29", "iso"), ("2019-13-01", "iso"), ("2019-10-17 24:00", "iso"), ("2019-10-17 13-PM", "%Y-%m-%d %I-%p"),
     ("2019-10-17 00-AM", "%Y-%m-%d %I-%p"), ("17-10-2019", "%m-%d-%Y"), ("", "iso"), ("12", "iso"),
     ("x", "s"), ("nan", "ms")],
)
def test_what_is_no_time_is_nothing(text, how):
    assert one(text, how) is None


def test_counted_times():
    assert one("1524880320.0", "s") == 1_524_880_320 * 10**9
    assert one("1524880320.123456", "s") == 1_524_880_320_123_456_000
    assert one("1524880320123", "ms") == 1_524_880_320_123_000_000
    assert times.nanoseconds(pl.Series([1_524_880_320.5]), "s")[0] == 1_524_880_320_500_000_000
    assert times.nanoseconds(pl.Series([7]), "ns")[0] == 7


def test_typed_columns_are_taken_as_they_are():
    moment = datetime(2020, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    assert times.nanoseconds(pl.Series([moment]), "ms")[0] == 1_577_836_800 * 10**9
    naive = pl.Series([datetime(2020, 1, 1, 3)])  # noqa: DTZ001
    assert times.nanoseconds(naive, "iso", "UTC+03:00")[0] == 1_577_836_800 * 10**9
    assert times.nanoseconds(pl.Series([datetime(2020, 1, 1, tzinfo=UTC).date()]), "iso")[0] == 1_577_836_800 * 10**9


def test_an_hour_that_a_clock_shows_twice_or_never_is_nothing():
    shown = pl.Series(["2020-03-29 02:30:00", "2020-10-25 02:30:00", "2020-07-01 02:00:00"])
    assert times.nanoseconds(shown, "iso", "Europe/Berlin").to_list() == [None, None, ns(datetime(2020, 7, 1))]  # noqa: DTZ001


@pytest.mark.parametrize("how", ["%Q", "%Y-%m", "%Y-%m-%d %I", "fortnight"])
def test_a_pattern_that_cannot_tell_a_time_is_refused(how):
    with pytest.raises(times.TimeOptionError):
        times.expression(how)


def test_an_unknown_zone_is_refused():
    with pytest.raises(times.TimeOptionError, match="Nowhere/Special"):
        one("2020-01-01", "iso", "Nowhere/Special")
