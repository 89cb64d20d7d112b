"""Which stages make up the main job, in their order."""

from __future__ import annotations

from cli.demo import batch, live, stack
from cli.demo.runner import Stage


def main_job(venue: str = "") -> list[Stage]:
    """History to orders: what `make demo` shows. A venue whose live frames we do not decode ends with the report."""
    stages = [
        Stage("start the stack", stack.start),
        Stage("ingest bars and funding through Dagster, each row checked", batch.history),
        Stage("ingest trades, compute features and labels", batch.features),
        Stage("build dbt marts; train, export, judge and promote a model", batch.model),
        Stage("write the risk report", batch.risk_report),
    ]
    if not live.offered(venue):
        return [*stages, Stage(f"live flow: no frames of {venue} are decoded, only history", live.left_out)]
    return [
        *stages,
        Stage("run the live flow: ticks, signals, risk, orders, fills", live.live),
        Stage("replay the session from its input log", live.replay),
    ]
