"""Bad data in the digest: real verdicts and rows in the database, a real run with its check."""

import email
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest
from aiosmtpd.controller import Controller

from assets.resources import ClickHouse
from infra.errors import TickhouseError
from infra.stack.ports import free_port
from orchestration import alerts, alerts_digest, alerts_quality
from orchestration.alerts_found import Kind
from orchestration.alerts_pictures import Album
from quality import gate, record
from quality.errors import QualityCode
from quality.gate import Finding
from quality.rule import Severity
from store import ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from tests.assets.test_coverage import spec

pytestmark = pytest.mark.stack
NOW = datetime(2026, 9, 4, 2, tzinfo=UTC)  # before the day's grace is over: nothing is stale
DAY = date(2026, 9, 3)
LINE = "1756857600000,5,-1,4,5,1.0"
FRESH = alerts.Cursor()


@pytest.fixture
def instance():
    with dg.DagsterInstance.local_temp() as made:
        yield made


@pytest.fixture
def life(clickhouse):
    (one,) = instruments.record(clickhouse, [spec("BTC/USDT:USDT")])
    return one


def finding(life, rule="ohlc", severity=Severity.ERROR, failing=1, day=DAY, observed="high=-1 <b>"):
    return Finding(rule, severity, life.id, day, failing, observed, "high >= low")


def bars(clickhouse, life, found, *, fails=True, payloads=(LINE,), state=IngestState.QUARANTINED):
    """An asset that finds `found`, keeps rows out, and fails as the ingest does."""
    key = dg.AssetKey(["binance", "bars_1m"])

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec("quality", asset=key)])
    def made(context: dg.AssetExecutionContext):
        run = context.run.run_id
        rows = pl.DataFrame(
            {"instrument": life.id, "day": DAY, "source": "binance-files",
             "ts_event": [1756857600000000000 + number for number in range(len(payloads))]},
            schema_overrides={"instrument": pl.UInt32},
        )
        bad = pl.DataFrame({"row": list(range(len(payloads))), "reason": "ohlc"}, schema_overrides={"row": pl.UInt32})
        record.findings(clickhouse, "bars", "binance", found, run)
        record.quarantine(clickhouse, "bars", "binance", rows, bad, run, raw=lambda frame: list(payloads))
        days = [one.day for one in found if not one.passed]
        ingest_log.record(clickhouse, [IngestEntry("bars", "binance", life.id, day, state, 1, "", "t", run)
                                       for day in dict.fromkeys(days)])
        yield gate.check_result(found, "quality", key)
        if fails:
            raise dg.Failure(str(TickhouseError(QualityCode.DATA_QUARANTINED, days=1)), allow_retries=False)
        yield dg.MaterializeResult()

    return made


def tick(instance, asset, before=FRESH):
    run = dg.materialize([asset], instance=instance, raise_on_error=False)
    context = dg.build_sensor_context(instance=instance)
    found, cursor = alerts.collect(context, ClickHouse(), before, NOW)
    assert alerts.collect(context, ClickHouse(), cursor, NOW)[0] == []
    return run, found, cursor


def test_a_quarantined_day_is_told_once_with_its_rows_a_picture_and_links(clickhouse, life, instance):
    ingest_log.record(clickhouse, [
        IngestEntry("bars", "binance", life.id, date(2026, 9, day), IngestState.COMPLETE, 1, "", "t") for day in (1, 2)
    ])
    run, found, _ = tick(instance, bars(clickhouse, life, [finding(life), finding(life, "positive", failing=0)]))
    (alert,) = found
    assert (alert.kind, alert.severity) == (Kind.QUALITY, "ERROR")
    assert alert.title == "binance bars: 1 day quarantined"
    assert alert.detail == "BTC/USDT:USDT, 2026-09-03: ohlc (1 row)"
    message = alerts_digest.compose(found, "http://ui")
    assert message.subject == "Tickhouse: binance bars 1 day quarantined: BTC/USDT:USDT 2026-09-03"
    for text in (message.text, message.html):
        assert "1756857600000,5,-1,4,5,1.0" in text
        assert "2025-09-03 00:00:00" in text
        assert "http://ui/assets/binance/bars_1m?view=partitions" in text
        assert f"http://ui/runs/{run.run_id}" in text
        assert "high &gt;= low" in text or "high >= low" in text
    assert "<b>\n" not in message.html
    assert "high=-1 &lt;b&gt;" in message.html
    (picture,) = message.pictures
    assert f"cid:{picture.name}" in message.html
    assert picture.png.startswith(b"\x89PNG")


def test_a_strip_begins_with_what_is_known_and_shows_the_bad_day(clickhouse, life):
    for day, state in ((date(2026, 8, 25), IngestState.COMPLETE), (DAY, IngestState.QUARANTINED)):
        ingest_log.record(clickhouse, [IngestEntry("bars", "binance", life.id, day, state, 1, "", "t")])
    album = Album(clickhouse)
    drawn = [album.strip("binance", "bars", [life.id], first, DAY) for first in (DAY, DAY, date(2026, 8, 1))]
    assert drawn[0] is drawn[1]  # drawn once
    assert [picture.name for picture in drawn[1:]] == ["coverage-1", "coverage-2"]
    assert album.strip("binance", "trades", [life.id], DAY, DAY) is None
    assert album.strip("binance", "bars", [999], DAY, DAY) is None


def test_a_row_that_breaks_two_rules_is_shown_once(clickhouse, life):
    rows = pl.DataFrame({"instrument": life.id, "day": [DAY], "source": "files", "ts_event": [5]},
                        schema_overrides={"instrument": pl.UInt32})
    bad = pl.DataFrame({"row": [0, 0], "reason": ["ohlc", "grid"]}, schema_overrides={"row": pl.UInt32})
    record.findings(clickhouse, "bars", "binance", [finding(life)], "run")
    record.quarantine(clickhouse, "bars", "binance", rows, bad, "run", raw=lambda frame: [LINE] * frame.height)
    (trouble,) = alerts_quality.troubles(clickhouse, ["run"])
    assert trouble.kept.rows == (("BTC/USDT:USDT", "2026-09-03", "grid, ohlc", "5", "files", LINE),)
    assert trouble.kept.total == 1


def test_the_mail_server_is_down_and_up_again_one_mail_with_rows_and_picture(
    clickhouse, life, instance, settings, monkeypatch
):
    port = free_port()
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("RECIPIENTS", '["data@example.org"]')):
        monkeypatch.setenv(f"TICKHOUSE_MAIL__{name}", value)
    arrived = []

    class Inbox:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
            arrived.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 OK"

    def sensor(cursor):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        return alerts.alert_sensor(context, clickhouse=ClickHouse()).cursor

    dg.materialize([bars(clickhouse, life, [finding(life)])], instance=instance, raise_on_error=False)
    with pytest.raises(TickhouseError, match="MAIL_NOT_SENT"):
        sensor(None)
    server = Controller(Inbox(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        after = sensor(None)
        assert sensor(after) == after
    finally:
        server.stop()
    (message,) = arrived
    assert message["Subject"].startswith("Tickhouse: binance bars 1 day quarantined: BTC/USDT:USDT 2026-09-03")
    assert LINE in message.get_body(("plain",)).get_content()
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert f"cid:{picture['Content-ID'].strip('<>')}" in message.get_body(("html",)).get_content()


def test_a_partial_day_is_a_warning_and_no_failed_run(clickhouse, life, instance):
    gaps = [finding(life, "gaps", Severity.WARNING, observed="minutes=3")]
    asset = bars(clickhouse, life, gaps, fails=False, payloads=(), state=IngestState.PARTIAL)
    _, found, _ = tick(instance, asset)
    assert [(alert.kind, alert.severity, alert.title) for alert in found] == [
        (Kind.QUALITY, "WARN", "binance bars: 1 day partial")
    ]
    assert [table.title for table in found[0].tables] == ["verdicts"]


def test_another_reason_to_fail_is_still_a_failed_run(clickhouse, life, instance):
    asset = bars(clickhouse, life, [finding(life)])

    @dg.asset
    def other():
        raise ValueError("no disk")

    run = dg.materialize([asset, other], instance=instance, raise_on_error=False)
    found, _ = alerts.collect(dg.build_sensor_context(instance=instance), ClickHouse(), alerts.Cursor(), NOW)
    assert [alert.kind for alert in found] == [Kind.QUALITY, Kind.RUN]
    assert "no disk" in found[1].detail
    assert "DATA_QUARANTINED" not in found[1].detail
    assert found[1].path == f"/runs/{run.run_id}"


def test_long_lists_are_cut_with_a_count(clickhouse, life, instance):
    days = [date(2026, 8, day) for day in range(1, 31)]
    rows = tuple(f"line {number}" for number in range(40))
    _, found, _ = tick(instance, bars(clickhouse, life, [finding(life, day=day) for day in days], payloads=rows))
    (alert,) = found
    assert [(len(table.rows), table.more) for table in alert.tables] == [(10, 20), (5, 35)]
    text = alerts_digest.compose(found).text
    assert "and 20 more" in text
    assert "and 35 more" in text


def test_a_rule_that_holds_at_the_second_look_of_a_run_is_no_trouble(clickhouse, life):
    record.findings(clickhouse, "bars", "binance", [finding(life)], "run")
    record.findings(clickhouse, "bars", "binance", [finding(life, failing=0)], "run")
    assert alerts_quality.troubles(clickhouse, ["run", "other"]) == []
    assert alerts_quality.troubles(clickhouse, []) == []


def test_market_wide_and_unknown_instruments_have_names(clickhouse, life):
    whole = Finding("gaps", Severity.WARNING, 0, DAY, 1, "", "")
    record.findings(clickhouse, "series/fear_greed", "fear_greed", [whole], "run")
    record.findings(clickhouse, "bars", "kraken", [Finding("gaps", Severity.WARNING, 999, DAY, 1, "", "")], "run")
    names = {trouble.names for trouble in alerts_quality.troubles(clickhouse, ["run"])}
    assert names == {("whole market",), ("instrument 999",)}


def test_without_the_database_the_check_itself_is_told_with_its_rows(clickhouse, life, instance, monkeypatch):
    dg.materialize([bars(clickhouse, life, [finding(life)])], instance=instance, raise_on_error=False)
    monkeypatch.setenv("TICKHOUSE_CLICKHOUSE__URL", "http://127.0.0.1:9")
    found, _ = alerts.collect(dg.build_sensor_context(instance=instance), ClickHouse(), alerts.Cursor(), NOW)
    assert [alert.kind for alert in found] == [Kind.RUN, Kind.CHECK, Kind.STORE]
    assert found[1].tables[0].rows[0][0] == "ohlc"
    assert "DATA_QUARANTINED" in found[0].detail
