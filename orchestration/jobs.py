"""Jobs and their schedules, all in UTC."""

from typing import Any

import dagster as dg

# Not the names of assets: Dagster keeps both in one space.
NIGHTLY = "nightly"
HISTORY = "history"
SEAL = "seal"
TRAINING = "training"
RISK = "nightly_risk"
DERIVE = "derive"
MARTS = "build_marts"


def build(venue: str) -> dg.Definitions:
    """The jobs a person starts by hand or by the command line, and the two that start themselves."""
    ingest = dg.AssetSelection.groups("ingest")
    features = dg.AssetSelection.groups("features")
    models = dg.AssetSelection.groups("models")
    marts = dg.AssetSelection.groups("marts")
    nightly = dg.define_asset_job(
        NIGHTLY, ingest | features | models | marts, description=f"Yesterday of {venue}, marts, and a new training"
    )
    risk = dg.define_asset_job(
        RISK, dg.AssetSelection.groups("risk"), description="VaR, ES, stress and limits of yesterday, by mail"
    )
    seal = dg.define_asset_job(
        SEAL, dg.AssetSelection.groups("seal"), description=f"What was recorded live of {venue}, held against its word"
    )
    return dg.Definitions(
        jobs=[
            nightly,
            risk,
            seal,
            dg.define_asset_job(HISTORY, ingest, description="Datasets of the venue; give it a range of days"),
            dg.define_asset_job(DERIVE, features, description="Features and labels; give it the same range of days"),
            dg.define_asset_job(TRAINING, models, description="Train on what is there and let the gate decide"),
            dg.define_asset_job(MARTS, marts, description="dbt: staging, marts and their tests"),
        ],
        schedules=[
            # Before the ingest, which then keeps the days that are sealed instead of asking for them again.
            _each_night("nightly_seal", seal, hour=0, minute=10),
            _each_night("nightly_ingest_and_training", nightly, hour=0, minute=30),
            _each_night("nightly_risk_report", risk, hour=1, minute=0),
        ],
    )


def _each_night(name: str, job: Any, hour: int, minute: int) -> Any:
    """Runs for the day that has just ended; partitions are in UTC, and so is the hour."""
    return dg.build_schedule_from_partitioned_job(
        job, name=name, hour_of_day=hour, minute_of_hour=minute, default_status=dg.DefaultScheduleStatus.RUNNING
    )
