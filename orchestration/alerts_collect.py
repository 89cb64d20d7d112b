"""What one tick has to say: the ended runs put together with what the store knows of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration import alerts_quality, alerts_risk, alerts_stale
from orchestration.alerts_pictures import Album
from quality.errors import QualityCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from clickhouse_connect.driver.client import Client

    from orchestration.alerts_found import Alert
    from orchestration.alerts_quality import Trouble
    from orchestration.alerts_runs import Ended, FailedCheck, FailedRun


@dataclass(frozen=True, slots=True)
class Found:
    """The alerts of a tick, the keys of what lasts and has been told with it, and the place in the risk events."""

    alerts: tuple[Alert, ...]
    lasting: frozenset[str]
    risk_ns: int


def stored(
    client: Client, ended: Ended, now: datetime, risk_ns: int, told: Collection[str], busy: Collection[str],
    late: Mapping[tuple[str, str], timedelta], assets: Collection[tuple[str, ...]],
) -> Found:
    """All that the database adds to the runs that ended: bad rows, risk events, stale data."""
    album = Album(client)
    alerts = quality(ended, alerts_quality.troubles(client, ended.runs), album)
    events, risk_ns = alerts_risk.risk_events(client, risk_ns, now)
    stale, lasting = alerts_stale.news(alerts_stale.stale(client, now, late), told, busy)
    alerts += events
    for one in stale:
        behind = [number for number, _, _ in one.rows]
        picture = album.strip(one.venue, one.dataset, behind, one.expected, one.expected)
        alerts.append(replace(alerts_stale.alert(one, assets), picture=picture))
    return Found(tuple(alerts), frozenset(lasting), risk_ns)


def unstored(ended: Ended) -> list[Alert]:
    """The runs and checks as Dagster alone tells them."""
    return [one.alert for one in ended.failures] + [one.alert for one in ended.checks]


def quality(ended: Ended, troubles: Sequence[Trouble], album: Album) -> list[Alert]:
    """Each thing once: a check and a failure that only repeat a trouble of their run are left to it."""
    said: list[Alert] = []
    repeated: set[int] = set()
    for trouble in troubles:
        same = [check for check in ended.checks if _same(check, trouble)]
        repeated |= {id(check) for check in same}
        best = max(same, key=lambda check: len(check.accused & trouble.accused), default=None)
        picture = album.strip(trouble.venue, trouble.dataset, trouble.instruments, trouble.first, trouble.last)
        said.append(alerts_quality.alert(trouble, best, picture))
    explained = {trouble.run_id for trouble in troubles if trouble.is_error}
    said += [one for failure in ended.failures if (one := _rest(failure, explained)) is not None]
    return said + [check.alert for check in ended.checks if id(check) not in repeated]


def _same(check: FailedCheck, trouble: Trouble) -> bool:
    return check.run_id == trouble.run_id and bool(check.accused & trouble.accused)


def _rest(failure: FailedRun, explained: Collection[str]) -> Alert | None:
    """The failure without the lines that say that data was quarantined, where that is told with its rows."""
    if failure.run_id not in explained:
        return failure.alert
    code = QualityCode.DATA_QUARANTINED.name
    lines = [line for line in failure.alert.detail.splitlines() if code not in line]
    return replace(failure.alert, detail="\n".join(lines)) if lines else None
