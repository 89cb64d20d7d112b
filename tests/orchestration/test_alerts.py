"""The digest: real runs in a Dagster instance, a real SMTP server that goes down and comes back, a real database."""

import email
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest
from aiosmtpd.controller import Controller

from assets.resources import ClickHouse
from infra import endpoints
from infra.endpoints import Service
from infra.errors import TickhouseError
from infra.mail import MailCode
from infra.stack.ports import free_port
from orchestration import alerts, alerts_digest, alerts_freshness, alerts_risk, alerts_runs
from orchestration.alerts_found import Alert, Kind
from store import writer

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)


class Inbox:
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    def texts(self):
        return [message.get_body(("plain",)).get_content() for message in self.messages]


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def mail_port(monkeypatch):
    port = free_port()
    monkeypatch.setenv("TICKHOUSE_MAIL__HOST", "127.0.0.1")
    monkeypatch.setenv("TICKHOUSE_MAIL__PORT", str(port))
    monkeypatch.setenv("TICKHOUSE_MAIL__RECIPIENTS", '["risk@example.org"]')
    return port


@pytest.fixture
def instance():
    with dg.DagsterInstance.local_temp() as made:
        yield made


@dg.asset
def broken():
    raise TickhouseError(MailCode.MAIL_NOT_SENT, host="<b>x</b>") from OSError("refused below")


@dg.asset
def fine() -> None:
    pass


@dg.asset(check_specs=[dg.AssetCheckSpec("rows", asset="suspicious"), dg.AssetCheckSpec("good", asset="suspicious")])
def suspicious():
    yield dg.AssetCheckResult(
        check_name="rows", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"missing": 3}
    )
    yield dg.AssetCheckResult(check_name="good", passed=True)
    yield dg.MaterializeResult()


def _run(instance, asset):
    return dg.materialize([asset], instance=instance, raise_on_error=False)


def _tick(instance, cursor):
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return alerts.alert_sensor(context, clickhouse=ClickHouse()).cursor


def _refused_tick(instance, cursor):
    """A tick that fails on the mail server: the daemon keeps the old cursor."""
    with pytest.raises(TickhouseError) as caught:
        _tick(instance, cursor)
    assert caught.value.code is MailCode.MAIL_NOT_SENT
    return cursor


@pytest.mark.stack
def test_nothing_is_lost_while_the_mail_server_is_down(clickhouse, settings, instance, inbox, mail_port):
    endpoints.write(settings.home, {Service.DAGSTER: "http://127.0.0.1:3000/"})
    cursor = _tick(instance, None)
    assert cursor is not None
    _run(instance, fine)
    failed = _run(instance, broken)
    cursor = _refused_tick(instance, cursor)
    _run(instance, suspicious)
    cursor = _refused_tick(instance, cursor)

    server = Controller(inbox, hostname="127.0.0.1", port=mail_port)
    server.start()
    try:
        up = _tick(instance, cursor)
        assert up != cursor
        assert _tick(instance, up) == up  # nothing new: no second mail
    finally:
        server.stop()
    (message,) = inbox.messages
    (text,) = inbox.texts()
    assert message["Subject"] == "Tickhouse: materialisation failed; suspicious: rows"
    assert "broken: infra.errors.TickhouseError: MAIL_NOT_SENT" in text
    assert f"http://127.0.0.1:3000/runs/{failed.run_id}" in text
    assert "[WARN] suspicious: rows" in text
    assert "missing=3" in text
    assert "good" not in text
    html = message.get_body(("html",)).get_content()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "http://127.0.0.1:3000/assets/suspicious?view=checks&amp;checkDetail=rows" in html


@pytest.mark.stack
def test_without_mail_settings_the_digest_moves_on(clickhouse, settings, instance, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_MAIL__HOST", "")
    _run(instance, broken)
    result = alerts.alert_sensor(dg.build_sensor_context(instance=instance), clickhouse=ClickHouse())
    assert "not sent" in result.skip_reason.skip_message
    assert alerts.Cursor.loads(result.cursor).runs.failed > 0


@pytest.mark.stack
def test_a_chat_that_is_down_is_counted(clickhouse, settings, instance, inbox, mail_port, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_MAIL__CHANNELS", f'["json://127.0.0.1:{free_port()}"]')
    _run(instance, broken)
    server = Controller(inbox, hostname="127.0.0.1", port=mail_port)
    server.start()
    try:
        result = alerts.alert_sensor(dg.build_sensor_context(instance=instance), clickhouse=ClickHouse())
    finally:
        server.stop()
    assert len(inbox.messages) == 1
    said = result.skip_reason.skip_message
    assert said == "1 alert(s) sent by mail; 1 further way(s) did not take it"


def test_each_outcome_has_its_own_cursor(instance, monkeypatch):
    monkeypatch.setattr(alerts_runs, "LIMIT", 2)
    for asset in (fine, fine, fine, suspicious, broken):
        _run(instance, asset)
    first = alerts_runs.since(instance, alerts_runs.RunCursor())
    assert (len(first.failures), len(first.checks)) == (1, 0)
    assert first.cursor.failed > first.cursor.succeeded > 0
    second = alerts_runs.since(instance, first.cursor)
    assert (len(second.failures), [check.name for check in second.checks]) == (0, ["rows"])
    assert alerts_runs.since(instance, second.cursor) == alerts_runs.Ended(second.cursor)


def test_a_cursor_of_before_is_read():
    old = '{"runs": {"failed": 3, "succeeded": 5}, "risk_ns": 7, "told": ["clickhouse"]}'
    assert alerts.Cursor.loads(old) == alerts.Cursor(alerts_runs.RunCursor(3, 5, 0), 7, ("clickhouse",))


def test_a_failure_names_each_failed_step(instance):
    @dg.asset
    def other():
        raise ValueError("second reason")

    dg.materialize([broken, other], instance=instance, raise_on_error=False)
    (failure,) = alerts_runs.since(instance, alerts_runs.RunCursor()).failures
    assert "MAIL_NOT_SENT" in failure.alert.detail
    assert "second reason" in failure.alert.detail


@pytest.mark.stack
def test_risk_events_are_told_once_alike_ones_in_one_line(clickhouse):
    def event(level, code, ts, stored):
        return {"ts_event": ts, "ts_stored": stored, "account": "paper", "level": level, "code": code,
                "instrument": 1, "strategy": "ml", "detail": f"at={ts}"}

    base = int(NOW.timestamp()) * 10**9
    writer.insert(clickhouse, "risk_events", pl.DataFrame(
        [event(1, "LIMIT_CLEAR", 5, base - 10**10), event(3, "ORDER_RATE_LIMIT", 6, base - 10**10),
         event(3, "ORDER_RATE_LIMIT", 7, base - 10**10), event(4, "LOSS_STOP", 8, base - 9 * 10**9),
         event(4, "LOSS_STOP", 9, base)]))
    found, newest = alerts_risk.risk_events(clickhouse, 0, NOW)
    assert [(alert.severity, alert.title) for alert in found] == [
        ("CRITICAL", "LOSS_STOP (paper ml instrument 1)"),
        ("ERROR", "ORDER_RATE_LIMIT (paper ml instrument 1), 2 times"),
    ]
    assert found[1].detail == "at=7"
    assert newest == base - 9 * 10**9
    assert alerts_risk.risk_events(clickhouse, newest, NOW) == ([], newest)  # the last one is not settled yet


@pytest.mark.stack
def test_a_database_out_of_reach_is_told_once(clickhouse, settings, instance, monkeypatch):
    monkeypatch.setenv("TICKHOUSE_CLICKHOUSE__URL", f"http://127.0.0.1:{free_port()}")
    context = dg.build_sensor_context(instance=instance)
    before = alerts.Cursor(told=("stale binance bars x",), risk_ns=7)
    found, cursor = alerts.collect(context, ClickHouse(), before, NOW)
    assert [alert.kind for alert in found] == [Kind.STORE]
    assert "CLICKHOUSE_UNREACHABLE" in found[0].detail
    assert cursor.risk_ns == 7
    assert cursor.told == ("clickhouse", "stale binance bars x")
    assert alerts.collect(context, ClickHouse(), cursor, NOW)[0] == []


def _fails(instance, name):
    from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

    instance._report_runless_asset_event(
        FreshnessStateChange(
            key=dg.AssetKey(name), previous_state=FreshnessState.PASS, new_state=FreshnessState.FAIL,
            state_change_timestamp=NOW.timestamp(),
        )
    )


def test_an_asset_whose_freshness_policy_fails_is_overdue(instance):
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))
    watched = fine.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))
    context = dg.build_sensor_context(instance=instance, definitions=dg.Definitions(assets=[watched, broken]))
    assert alerts.overdue(context) == {}
    _fails(instance, "fine")
    assert [alert.title for alert in alerts.overdue(context).values()] == ["fine is overdue"]


def test_ingest_assets_have_a_badge_and_the_ingest_log_has_the_word(instance):
    @dg.asset(group_name="ingest")
    def bars() -> None: ...

    watched = alerts_freshness.watched([bars, fine])
    policies = {spec.key.to_user_string(): spec.freshness_policy for asset in watched for spec in asset.specs}
    assert policies == {"bars": alerts_freshness.POLICY, "fine": None}
    context = dg.build_sensor_context(instance=instance, definitions=dg.Definitions(assets=watched))
    _fails(instance, "bars")
    assert alerts.overdue(context) == {}


def test_the_digest_without_an_address_has_no_links():
    message = alerts_digest.compose([Alert(Kind.RUN, "ERROR", "nightly failed", "why", "/runs/1", 0.0)])
    assert "href" not in message.html
    assert "/runs/1" not in message.text


def test_the_sensor_is_found_by_its_name():
    assert [sensor.name for sensor in alerts.definitions().sensors] == ["alerts"]
