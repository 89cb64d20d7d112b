"""Paths with placeholders: the files of a span."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from tests.venues.files.reading import life
from venues.errors import VenueCode
from venues.files.paths import DAY_NS, covering, expand

LIFE = life("BTC/USDT")
DAY = 19_782 * DAY_NS  # 2024-02-29


@pytest.mark.parametrize(("template", "wanted"), [
    ("{venue_symbol}-{day}.zip", "BTCUSDT-2024-02-29.zip"), ("{month}/{year}", "2024-02/2024"),
    ("{day:%Y/%m/%d}/{base:lower}_{quote}", "2024/02/29/btc_USDT"), ("{symbol:safe}", "BTC_USDT"),
    ("{{x}}{base:upper}", "{x}BTC"),
])
def test_placeholders(template, wanted):
    assert expand(template, LIFE, date(2024, 2, 29)) == wanted


@pytest.mark.parametrize("template", ["{dya}", "{}", "{base:shout}", "{day!r:5}{", "{base.x}"])
def test_a_wrong_placeholder_is_named(template):
    with pytest.raises(TickhouseError) as caught:
        expand(template, LIFE, date(2024, 2, 29))
    assert caught.value.code is VenueCode.SOURCES_INVALID
    assert "placeholders are day, month, year, symbol" in str(caught.value)


def paths(template, start, end, margin=0):
    return [one.path for one in covering(template, LIFE, start, end, margin)]


def test_a_file_a_day_a_month_a_year_or_for_all_time():
    assert paths("{day}", DAY, DAY + DAY_NS) == ["2024-02-29"]
    assert paths("{day}", DAY, DAY + DAY_NS + 1) == ["2024-02-29", "2024-03-01"]
    assert paths("{month}", DAY - DAY_NS, DAY + 2 * DAY_NS) == ["2024-02", "2024-03"]
    assert paths("{year}/{month}", DAY - 60 * DAY_NS, DAY) == ["2023/2023-12", "2024/2024-01", "2024/2024-02"]
    assert paths("{year}", DAY, DAY + 366 * DAY_NS) == ["2024", "2025"]
    assert paths("{base}.csv", DAY, DAY + DAY_NS) == ["BTC.csv"]
    assert not covering("{base}.csv", LIFE, DAY, DAY + DAY_NS)[0].dated


def test_files_around_the_span_where_rows_spill():
    assert paths("{day}", DAY, DAY + DAY_NS, 60) == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert paths("{month}", DAY, DAY + DAY_NS, 60) == ["2024-02", "2024-03"]


@given(st.integers(0, 30_000), st.integers(1, 900), st.sampled_from(["{day}", "{month}", "{year}", "{month}{day}"]))
def test_files_cover_the_span_without_a_hole(first, days, template):
    start, end = first * DAY_NS, (first + days) * DAY_NS
    files = covering(template, LIFE, start, end)
    assert files[0].start <= start < files[0].end
    assert files[-1].start < end <= files[-1].end
    assert all(one.end == two.start for one, two in pairwise(files))
    assert len({one.path for one in files}) == len(files)
