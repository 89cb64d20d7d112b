"""Dated series over a real local HTTP server: known when published, refused when unclear."""

from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset
from market.instrument import Instrument, InstrumentKind, market_of
from tests.venues.answers import Answer, Answers
from venues.catalogue import Index
from venues.index.source import IndexSource
from venues.request import Patience
from venues.source import Request

DAY = 86_400 * 10**9
T0 = 1_551_052_800 * 10**9  # 2019-02-25
FNG = {
    "name": "Fear and Greed Index",
    "data": [
        {"value": "40", "value_classification": "Fear", "timestamp": "1551225600", "time_until_update": "68499"},
        {"value": "47", "value_classification": "Neutral", "timestamp": "1551139200"},
        {"value": "37", "value_classification": "Fear", "timestamp": "1551052800"},
    ],
    "metadata": {"error": None},
}
BTC = Instrument(3, "x", "BTC/USDT", "BTCUSDT", InstrumentKind.SPOT, "BTC", "USDT", "USDT", 2, 5, 10**8, 0)


class Site:
    """A publisher's site; `say` sets what it answers next, the last one for ever."""

    def __init__(self, answers, folder):
        self.answers, self.folder, self.queue = answers, folder, []
        answers.routes["/data"] = lambda _: self.queue.pop(0) if len(self.queue) > 1 else self.queue[0]

    def say(self, *bodies):
        self.queue = [body if isinstance(body, Answer) else Answer(body) for body in bodies]

    def source(self, query="", **entry):
        known = {
            "name": "fear_greed", "url": f"{self.answers.base}/data{query}", "rows": "data", "time": "timestamp",
            "time_unit": "s", "columns": {"fear_greed": "value"}, "publication_lag_s": 3_600,
        }
        return IndexSource(Index(**(known | entry)), self.folder, Patience(4, 0.01, 0.05))


@pytest.fixture
def site(tmp_path):
    with Answers({}) as answers:
        yield Site(answers, tmp_path)


def ask(source, start=T0, end=T0 + 3 * DAY, series="fear_greed", life=None):
    parts = list(source.fetch(Request(Dataset.SERIES, life or market_of("series"), start, end, series=series)))
    return pl.concat(parts) if parts else pl.DataFrame(schema={**SCHEMAS[Dataset.SERIES], "line": pl.Int64})


def test_a_fear_and_greed_index_is_known_an_hour_after_its_day_began(site):
    site.say(FNG)
    frame = ask(site.source())
    assert frame.schema == {**SCHEMAS[Dataset.SERIES], "line": pl.Int64}
    assert frame.select("ts_event", "ts_known", "value").rows() == [
        (T0, T0 + 3_600 * 10**9, 37.0), (T0 + DAY, T0 + DAY + 3_600 * 10**9, 47.0),
        (T0 + 2 * DAY, T0 + 2 * DAY + 3_600 * 10**9, 40.0),
    ]
    assert set(frame["series"]) == {"fear_greed"}
    assert set(frame["instrument"]) == {0}
    assert frame["line"].to_list() == [3, 2, 1]  # newest first in the answer


def test_only_the_span_is_given_and_days_share_one_request(site):
    site.say(FNG)
    source = site.source()
    days = [ask(source, T0 + at * DAY, T0 + (at + 1) * DAY)["value"].to_list() for at in range(4)]
    assert days == [[37.0], [47.0], [40.0], []]
    assert site.answers.count("/data") == 1


def test_the_row_as_it_was_written_is_kept_for_audits(site):
    site.say(FNG)
    source = site.source()
    request = Request(Dataset.SERIES, market_of("series"), T0, T0 + DAY, series="fear_greed")
    assert source.raw(request, ask(source, T0, T0 + DAY)) == [
        '{"value": "37", "value_classification": "Fear", "timestamp": "1551052800"}'
    ]


def test_a_restated_value_changes_the_fingerprint_of_its_days_only(site):
    changed = {"data": [row | {"value": "99"} if row["timestamp"] == "1551139200" else row for row in FNG["data"]]}
    requests = [
        Request(Dataset.SERIES, market_of("series"), a, b, series="fear_greed")
        for a, b in pairwise(range(T0, T0 + 5 * DAY, DAY))
    ]
    site.say(FNG)
    before = [site.source().fingerprint(request) for request in requests]
    site.say(changed)
    after = [site.source().fingerprint(request) for request in requests]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True]
    assert before[3] == ""


def test_several_columns_are_several_series(site):
    site.say({"data": [{"t": 1_551_052_800_000, "flows": {"in": 5, "out": "2.5"}, "n": None}]})
    source = site.source(time="t", time_unit="ms", columns={"inflow": "flows.in", "outflow": "flows.out"})
    assert ask(source, series="inflow")["value"].to_list() == [5.0]
    assert ask(source, series="outflow")["value"].to_list() == [2.5]
    with pytest.raises(TickhouseError, match=r"VENUE_NOT_OFFERED .*offered=inflow, outflow"):
        ask(source, series="netflow")


def test_an_on_chain_csv_with_holes(site):
    site.say("date,hashrate,fees\n2019-02-25,4.5e19,12\n2019-02-26,,13\n2019-02-27,4.6e19,\n")
    source = site.source(
        kind="csv", rows="", time="date", time_unit="%Y-%m-%d", columns={"hashrate": "hashrate", "fees": "fees"},
        publication_lag_s=86_400,
    )
    frame = ask(source, series="hashrate")
    assert frame.select("ts_event", "value", "line").rows() == [(T0, 4.5e19, 2), (T0 + 2 * DAY, 4.6e19, 4)]
    assert (frame["ts_known"] - frame["ts_event"]).to_list() == [DAY, DAY]
    request = Request(Dataset.SERIES, market_of("series"), T0, T0 + DAY, series="hashrate")
    assert source.raw(request, frame.head(1)) == ["2019-02-25,4.5e19,12"]


def test_sentiment_of_instruments_by_the_time_of_its_publication(site):
    rows = [
        {"asset": "btc", "day": "2019-02-25", "score": -0.25, "published_at": "2019-02-25T18:30:00Z"},
        {"asset": "eth", "day": "2019-02-25", "score": 0.5, "published_at": "2019-02-25T19:00:00Z"},
        {"asset": "btc", "day": "2019-02-25", "score": -0.30, "published_at": "2019-02-26T09:00:00Z"},
    ]
    site.say({"data": rows})
    source = site.source(
        time="day", time_unit="iso", published="published_at", symbol="asset", columns={"news": "score"},
    )
    frame = ask(source, series="news", life=BTC)
    # The restated score counts, and nobody knew it before its own publication.
    assert frame.select("instrument", "value", "ts_known").rows() == [(3, -0.30, T0 + DAY + 9 * 3_600 * 10**9)]
    assert ask(source, series="news", life=replace(BTC, base="DOGE", symbol="DOGE/USDT", venue_symbol="D")).is_empty()


@pytest.mark.parametrize(
    ("body", "entry"),
    [([[1_551_052_800_000, 7]], {"rows": "", "time": "0", "columns": {"fear_greed": "1"}, "time_unit": "ms"}),
     ({"data": {"2019-02-25": 7}}, {"time": "key", "time_unit": "iso"}),
     ({"data": {"2019-02-25": {"v": 7}}}, {"time": "key", "time_unit": "iso", "columns": {"fear_greed": "v"}}),
     ({"a": [{"b": [{"timestamp": 1_551_052_800, "value": 7}]}]}, {"rows": "a.0.b"}),
     ([{"timestamp": 1_551_052_800.0, "value": "7.0"}], {"rows": ""})],
)
def test_shapes_of_json(site, body, entry):
    site.say(body)
    assert ask(site.source(**entry)).select("ts_event", "value").rows() == [(T0, 7.0)]


def test_the_span_and_the_instrument_may_stand_in_the_url(site):
    site.say(FNG)
    source = site.source("?from={start}&till={end_ms}&asset={base}")
    ask(source, life=replace(BTC, id=0))
    assert site.answers.asked[-1][1] == {"from": "2019-02-25", "till": str((T0 + 3 * DAY) // 10**6), "asset": "BTC"}
    request = Request(Dataset.SERIES, market_of("series"), T0, T0 + DAY, series="fear_greed")
    assert source.fingerprint(request) == ""  # or each day would cost a request
    with pytest.raises(TickhouseError, match=r"SOURCES_INVALID .*index.fear_greed.url .*\{start_ms\}"):
        ask(site.source("?day={day}"))


def test_an_answer_that_a_limit_cut_short_is_refused(site):
    site.say(FNG)
    with pytest.raises(TickhouseError, match=r"SERIES_SHORT .*rows=3 oldest=2019-02-25"):
        ask(site.source("?limit=3"), T0 - 30 * DAY)
    assert ask(site.source("?limit=3")).height == 3
    assert ask(site.source("?limit=30"), T0 - 30 * DAY).height == 3
    assert ask(site.source("?limit=0"), T0 - 30 * DAY).height == 3


def test_one_page_of_several_is_refused(site):
    site.say({"data": FNG["data"], "next_page_url": "https://example.org/2"})
    with pytest.raises(TickhouseError, match=r"SERIES_SHORT .*next_page_url"):
        ask(site.source())


@pytest.mark.parametrize(
    ("body", "code"),
    [("<html><body>Down for maintenance</body></html>", "SERIES_NOT_DATA .*maintenance"), ("", "SERIES_NOT_DATA"),
     ('{"data": [{"value": "4', "SERIES_NOT_DATA"), ({"error": "limit"}, "SERIES_CHANGED .*missing=data .*found=error"),
     ({"data": "none"}, "SERIES_CHANGED .*missing=rows at data"), ({"data": [7]}, "SERIES_ROW_BAD .*row=1"),
     ({"data": [{"timestamp": "1551052800", "score": "1"}]}, "SERIES_CHANGED .*missing=value found=score, timestamp"),
     ({"data": [{"timestamp": "1551052800", "value": "1"}, {"value": "2"}]}, "SERIES_ROW_BAD .*row=2 column=timestamp"),
     ({"data": [{"timestamp": "soon", "value": "1"}]}, "SERIES_ROW_BAD .*value=soon"),
     ({"data": [{"timestamp": "1551052800", "value": "n/a"}]}, "FILE_ROW_BAD .*line=1 series=fear_greed value=n/a"),
     ({"data": [{"timestamp": "1551052800", "value": True}]}, "FILE_ROW_BAD .*value=true"),
     ({"data": [{"timestamp": "1551052800", "value": "nan"}]}, "FILE_ROW_BAD"),
     ({"data": [{"timestamp": "1551052800", "value": value} for value in (1, 2)]},
      "FILE_ROW_BAD .*time=2019-02-25.*rows 1, 2")],
)
def test_what_is_wrong_is_said(site, body, code):
    site.say(body)
    with pytest.raises(TickhouseError, match=code) as raised:
        ask(site.source())
    assert f"{site.answers.base}/data" in {raised.value.context.get("url"), raised.value.context.get("file")}


def test_a_bad_row_spoils_its_own_day_only(site):
    site.say({"data": [row | {"value": "?"} if row["value"] == "47" else row for row in FNG["data"]]})
    source = site.source()
    assert ask(source, T0, T0 + DAY)["value"].to_list() == [37.0]
    with pytest.raises(TickhouseError, match="FILE_ROW_BAD"):
        ask(source, T0 + DAY, T0 + 2 * DAY)
    assert ask(source, T0 + 2 * DAY, T0 + 3 * DAY)["value"].to_list() == [40.0]


def test_the_same_row_twice_is_one_value(site):
    site.say({"data": [*FNG["data"], FNG["data"][0]]})
    assert ask(site.source())["value"].to_list() == [37.0, 47.0, 40.0]


def test_a_busy_publisher_is_asked_again_and_a_silent_one_is_said(site):
    site.say(Answer("slow down", 429, {"Retry-After": "0"}), Answer("", 503), FNG)
    assert ask(site.source()).height == 3
    assert site.answers.count("/data") == 3
    site.say(Answer("", 500))
    with pytest.raises(TickhouseError, match="FILE_UNREACHABLE"):
        ask(site.source())
    assert site.answers.count("/data") == 7
    site.say(Answer("no", 404))
    with pytest.raises(TickhouseError, match="FILE_MISSING"):
        ask(site.source())


def test_a_wrong_csv_is_refused(site):
    entry = {"kind": "csv", "rows": "", "time": "date", "time_unit": "iso", "columns": {"fear_greed": "v"}}
    for body, code in (
        ("<html></html>", "SERIES_NOT_DATA"), ("date,w\n2019-02-25,1\n", "SERIES_CHANGED .*missing=v found=date, w"),
        ("date,v\n2019-02-25,1,2\n", "FILE_ROW_BAD .*line=2"), ("date,v\n25.02.2019,1\n", "SERIES_ROW_BAD .*row=2"),
    ):
        site.say(body)
        with pytest.raises(TickhouseError, match=code):
            ask(site.source(**entry))


def test_a_local_file_serves_as_well(tmp_path):
    (tmp_path / "x.csv").write_text("date,v\n2019-02-25,1\n")
    entry = Index(
        name="x", url=str(tmp_path / "x.csv"), kind="csv", time="date", columns={"x": "v"}, publication_lag_s=0
    )
    assert ask(IndexSource(entry, tmp_path), series="x")["value"].to_list() == [1.0]


def test_a_time_unit_that_nobody_understands_is_a_wrong_setting(site):
    site.say(FNG)
    with pytest.raises(TickhouseError, match=r"SOURCES_INVALID .*index.fear_greed.time_unit"):
        ask(site.source(time_unit="%Q"))
