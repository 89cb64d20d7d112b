"""Which services this machine runs, on which ports, needing which others."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from infra.endpoints import Service
from infra.errors import TickhouseError
from infra.settings import PROJECT, Profile
from infra.stack import commands, dagster_home, leftovers, ports, probe
from infra.stack.dagster_code import STACK_SINCE
from infra.stack.errors import StackCode
from infra.stack.service import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from infra.settings import Settings

USUAL_PORTS = {
    Service.CLICKHOUSE: 8123,
    Service.REDIS: 6379,
    Service.SANDBOX: 9100,
    Service.MLFLOW: 5000,
    Service.DAGSTER: 3000,
}
_CODE, _CODE_PORT = "dagster-code", 4266


def plan(
    settings: Settings,
    only: Collection[str] = (),
    forced: Mapping[str, int] | None = None,
    claims: ports.Claims | None = None,
) -> list[ServiceSpec]:
    """The services to run, in an order in which each comes after those it needs.

    Services whose URL is in the settings run elsewhere and are left out. `only` names services (see `USUAL_PORTS`) to
    run and leaves out the rest; `forced` names ports that must be had. `claims` holds the ports while the caller keeps
    it; what an earlier plan had claimed is given back first. SERVICE_UNKNOWN, URL_MISSING, PORT_TAKEN.
    """
    for name in [*only, *(forced or {})]:
        if name not in set(Service):
            raise TickhouseError(StackCode.SERVICE_UNKNOWN, service=name, services=",".join(Service))
    here = [service for service in USUAL_PORTS if _runs_here(settings, service) and (not only or service in only)]
    claims = claims or ports.Claims()
    claims.release()
    port = _choose_ports(here, forced or {}, claims)
    home = settings.home.resolve()
    specs: list[ServiceSpec] = []
    if settings.clickhouse.url and (not only or Service.CLICKHOUSE in only):
        specs.append(_migrations())  # the server is elsewhere, its schema is still ours
    for service in here:
        specs += _BUILDERS[service](settings, home, port)
    names = {spec.name for spec in specs}
    common = {**leftovers.mark(home), "TICKHOUSE_HOME": str(home), "PYTHONPATH": str(PROJECT), "DO_NOT_TRACK": "1"}
    return [
        replace(
            spec,
            after=tuple(name for name in spec.after if name in names),
            stop_before=tuple(name for name in spec.stop_before if name in names),
            env={**common, **spec.env},
            cwd=spec.cwd or PROJECT,
        )
        for spec in specs
    ]


def _runs_here(settings: Settings, service: Service) -> bool:
    url = {
        Service.CLICKHOUSE: settings.clickhouse.url,
        Service.REDIS: settings.redis.url,
        Service.MLFLOW: settings.mlflow.tracking_uri,
    }.get(service)
    if url == "" and settings.profile is Profile.SERVER:
        raise TickhouseError(StackCode.URL_MISSING, service=service)
    return settings.venue.sandbox if service is Service.SANDBOX else not url


def _choose_ports(
    services: Collection[Service], forced: Mapping[str, int], claims: ports.Claims
) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for service in sorted(services, key=lambda name: name not in forced):  # forced ones first
        chosen[service] = claims.choose(USUAL_PORTS[service], forced.get(service))
    if Service.DAGSTER in chosen:
        chosen[_CODE] = claims.choose(_CODE_PORT)
    return chosen


def _clickhouse(settings: Settings, home: Path, chosen: Mapping[str, int]) -> list[ServiceSpec]:
    port = chosen[Service.CLICKHOUSE]
    server = ServiceSpec(
        name="clickhouse",
        argv=commands.clickhouse(home / "clickhouse", port),
        ready=probe.http(port, "/ping"),
        env={"CLICKHOUSE_PASSWORD": settings.clickhouse.password.get_secret_value()},
        port=port,
        url=f"http://{ports.LOOPBACK}:{port}",
        endpoint=Service.CLICKHOUSE,
        stop_timeout_s=30,
    )
    return [server, _migrations()]


def _migrations() -> ServiceSpec:
    return ServiceSpec(name="migrations", argv=commands.migrate(), after=("clickhouse",), once=True)


def _redis(_settings: Settings, home: Path, chosen: Mapping[str, int]) -> list[ServiceSpec]:
    port = chosen[Service.REDIS]
    folder = home / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    return [
        ServiceSpec(
            name="redis",
            argv=commands.valkey(folder, port),
            ready=probe.tcp(port, b"PING\r\n", b"+PONG"),
            port=port,
            url=f"redis://{ports.LOOPBACK}:{port}/0",
            endpoint=Service.REDIS,
        )
    ]


def _sandbox(settings: Settings, home: Path, chosen: Mapping[str, int]) -> list[ServiceSpec]:
    port = chosen[Service.SANDBOX]
    return [
        ServiceSpec(
            name="sandbox",
            argv=commands.sandbox(home / "sandbox", port, settings.sandbox),
            ready=probe.http(port, "/fapi/v1/ping"),
            port=port,
            url=f"http://{ports.LOOPBACK}:{port}",
            endpoint=Service.SANDBOX,
        )
    ]


def _mlflow(_settings: Settings, home: Path, chosen: Mapping[str, int]) -> list[ServiceSpec]:
    port = chosen[Service.MLFLOW]
    folder = home / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return [
        ServiceSpec(
            name="mlflow",
            argv=commands.mlflow(folder, port),
            ready=probe.http(port, "/health"),
            # No background jobs: they would start more processes for features that we do not use.
            env={"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            port=port,
            url=f"http://{ports.LOOPBACK}:{port}",
            endpoint=Service.MLFLOW,
            start_timeout_s=240,
        )
    ]


def _dagster(settings: Settings, home: Path, chosen: Mapping[str, int]) -> list[ServiceSpec]:
    port, code_port = chosen[Service.DAGSTER], chosen[_CODE]
    folder = home / "dagster"
    env = dagster_home.write(folder, settings, code_port) | {STACK_SINCE: str(time.time())}
    data = ("clickhouse", "redis", "sandbox", "migrations")
    return [
        ServiceSpec(
            name=_CODE,
            argv=commands.dagster_code(code_port),
            ready=probe.tcp(code_port),
            stop_before=data,  # loading definitions takes seconds and needs nobody
            env=env,
            port=code_port,
            start_timeout_s=240,
        ),
        ServiceSpec(
            name="dagster-daemon",
            argv=commands.dagster_daemon(folder),
            after=("dagster-code", *data),
            env=env,
            stop_timeout_s=30,
        ),
        ServiceSpec(
            name="dagster",
            argv=commands.dagster_webserver(folder, port),
            ready=probe.http(port, "/server_info"),
            after=("dagster-code", *data),
            env=env,
            port=port,
            url=f"http://{ports.LOOPBACK}:{port}",
            endpoint=Service.DAGSTER,
            start_timeout_s=240,
        ),
    ]


_BUILDERS = {
    Service.CLICKHOUSE: _clickhouse,
    Service.REDIS: _redis,
    Service.SANDBOX: _sandbox,
    Service.MLFLOW: _mlflow,
    Service.DAGSTER: _dagster,
}
