"""The alert sensor: one digest a tick, and nothing lost while the mail server is down.

The cursor moves only after the server has accepted the mail. A crash in between sends a digest twice, never not at all.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import dagster as dg
from clickhouse_connect.driver.exceptions import ClickHouseError

from assets.coverage import INGEST
from assets.resources import ClickHouse
from infra import channels, mail
from infra import settings as configuration
from infra.endpoints import Service, address
from infra.errors import TickhouseError
from orchestration import alerts_collect, alerts_digest, alerts_running, alerts_runs, alerts_stale
from orchestration.alerts_found import Alert, Kind
from orchestration.alerts_runs import RunCursor
from venues import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the digests have told what happened, and which lasting troubles they have named."""

    runs: RunCursor = field(default_factory=RunCursor)
    risk_ns: int = 0
    told: tuple[str, ...] = ()  # keys of troubles that still last

    def dumps(self) -> str:
        """As Dagster keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str | None) -> Self:
        """From what `dumps` gave; the beginning of time where there is none."""
        if not text:
            return cls()
        raw = json.loads(text)
        return cls(RunCursor(**raw["runs"]), raw["risk_ns"], tuple(raw["told"]))


@dg.sensor(
    name="alerts", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Mails one digest of bad data, failed runs, failed checks, stale data and risk events",
)
def alert_sensor(context: dg.SensorEvaluationContext, clickhouse: ClickHouse) -> dg.SensorResult:
    """A digest when there is news; MAIL_NOT_SENT or CHANNEL_NOT_SENT fails the tick and keeps the cursor."""
    settings = configuration.load()
    before = Cursor.loads(context.cursor)
    alerts, after = collect(context, clickhouse, before, datetime.now(UTC))
    if not alerts:
        return dg.SensorResult(skip_reason=dg.SkipReason("nothing new"), cursor=after.dumps())
    ways = channels.send(settings.mail, alerts_digest.compose(alerts, ui_address(settings)))
    told = f"{len(alerts)} alert(s) " + (f"sent by {', '.join(ways)}" if ways else "not sent: [mail] names no way")
    if left_out := mail.configured(settings.mail) + len(settings.mail.channels) - len(ways):
        told += f"; {left_out} further way(s) did not take it"
    context.log.info(told)
    return dg.SensorResult(skip_reason=dg.SkipReason(told), cursor=after.dumps())


def collect(
    context: dg.SensorEvaluationContext, clickhouse: ClickHouse, before: Cursor, now: datetime
) -> tuple[list[Alert], Cursor]:
    """What is new since `before`, and the cursor for when it has been told."""
    ended = alerts_runs.since(context.instance, before.runs)
    lasting: Mapping[str, Alert] = overdue(context)
    told = set(lasting)
    late = alerts_stale.lags(catalogue.load(configuration.load().sources))
    try:
        with clickhouse.client() as client:
            busy = alerts_running.venues(context.instance, context.repository_def)
            found = alerts_collect.stored(client, ended, now, before.risk_ns, before.told, busy, late, keys(context))
        alerts, risk_ns = list(found.alerts), found.risk_ns
        told |= found.lasting
    except (TickhouseError, ClickHouseError) as error:
        alerts, risk_ns = alerts_collect.unstored(ended), before.risk_ns
        lasting = {**lasting, "clickhouse": Alert(Kind.STORE, "ERROR", "ClickHouse is out of reach", str(error)[:600])}
        # What was stale before we lost sight of it is not news when we see again.
        told |= {"clickhouse"} | {key for key in before.told if key.startswith("stale ")}
    alerts += [alert for key, alert in lasting.items() if key not in before.told]
    return alerts, Cursor(ended.cursor, risk_ns, tuple(sorted(told)))


def overdue(context: dg.SensorEvaluationContext) -> dict[str, Alert]:
    """Assets whose own freshness policy says FAIL, but those of which the ingest log tells more."""
    repository = context.repository_def
    if repository is None:
        return {}
    watched = [
        key for key in repository.asset_graph.materializable_asset_keys
        if repository.asset_graph.get(key).freshness_policy is not None
        and repository.asset_graph.get(key).group_name != INGEST
    ]
    if not watched:
        return {}
    records = context.instance.get_freshness_state_records(watched)
    return {
        f"overdue {key.to_user_string()}": Alert(
            Kind.STALE, "ERROR", f"{key.to_user_string()} is overdue", "its freshness policy says FAIL",
            "/assets/" + "/".join(key.path), record.updated_at.timestamp(),
        )
        for key, record in records.items()
        if record.freshness_state.value == "FAIL"
    }


def keys(context: dg.SensorEvaluationContext) -> set[tuple[str, ...]]:
    """The assets that the UI has pages of."""
    repository = context.repository_def
    return set() if repository is None else {tuple(key.path) for key in repository.asset_graph.get_all_asset_keys()}


def ui_address(settings: configuration.Settings) -> str:
    """Where the embedded stack's Dagster UI listens; empty where none runs here."""
    try:
        return address(settings.home, Service.DAGSTER).rstrip("/")
    except TickhouseError:
        return ""


def definitions() -> dg.Definitions:
    """The sensor alone; it asks for the resource `clickhouse`."""
    return dg.Definitions(sensors=[alert_sensor])
