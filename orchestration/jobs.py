"""Jobs and their schedules, all in UTC."""

from collections.abc import Sequence

import dagster as dg

NIGHTLY = "nightly"
HISTORY = "history"
RESEARCH = "research"
RISK = "risk_report"


def build(venue: str, risk_assets: Sequence[dg.AssetKey] = ()) -> dg.Definitions:
    """The jobs a person starts by hand or by the command line, and the two that start themselves."""
    ingest = dg.AssetSelection.groups("ingest")
    features = dg.AssetSelection.groups("features")
    models = dg.AssetSelection.groups("models")
    marts = dg.AssetSelection.groups("marts")
    nightly = dg.define_asset_job(
        NIGHTLY, ingest | features | models | marts, description=f"Yesterday of {venue}, marts, and a new training"
    )
    jobs = [
        nightly,
        dg.define_asset_job(HISTORY, ingest, description="Datasets of the venue; give it a range of days"),
        dg.define_asset_job(RESEARCH, models, description="Train on what is there and let the gate decide"),
    ]
    schedules = [
        dg.build_schedule_from_partitioned_job(
            nightly, name="nightly_ingest_and_training", hour_of_day=0, minute_of_hour=30,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ]
    if risk_assets:
        risk = dg.define_asset_job(RISK, dg.AssetSelection.assets(*risk_assets), description="VaR, ES, stress, limits")
        jobs.append(risk)
        schedules.append(
            dg.ScheduleDefinition(
                name="nightly_risk_report", job=risk, cron_schedule="0 1 * * *", execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        )
    return dg.Definitions(jobs=jobs, schedules=schedules)
