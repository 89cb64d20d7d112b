"""The asset `quality_scores`: completeness, accuracy and timeliness of each dataset and day."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.ingest import days as calendar
from assets.quality import scoring
from assets.quality.scoring import Scored
from assets.quality.targets import Target
from assets.resources import ClickHouse
from quality.scores import GOAL
from store import instruments

GROUP = "quality"
JOB = "score_quality"
_LISTED = 200  # lines in the metadata: the rest is in the table


def definitions(targets: Sequence[Target], daily: dg.PartitionsDefinition[str]) -> dg.Definitions:
    """The asset below the datasets that it scores, and its nightly job."""
    asset = _scores(targets, daily)
    job = dg.define_asset_job(JOB, dg.AssetSelection.assets(asset), description="How good yesterday's data is")
    return dg.Definitions(
        assets=[asset], jobs=[job],
        schedules=[dg.build_schedule_from_partitioned_job(
            job, name="nightly_quality_scores", hour_of_day=3, minute_of_hour=0,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )],
    )


def _scores(targets: Sequence[Target], daily: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    key = dg.AssetKey("quality_scores")
    check = dg.AssetCheckSpec("goal", asset=key, description=f"Completeness of each dataset above {GOAL:.1%}")

    @dg.asset(
        key=key, group_name=GROUP, kinds={"clickhouse"}, partitions_def=daily, check_specs=[check],
        backfill_policy=dg.BackfillPolicy.single_run(), deps=sorted({target.key for target in targets}),
        description="Completeness, accuracy and timeliness of each dataset and day",
        metadata={"dagster/table_name": "quality_scores"},
    )
    def quality_scores(
        context: dg.AssetExecutionContext, clickhouse: ClickHouse
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        days = calendar.from_keys(context.partition_keys)
        with clickhouse.client() as client:
            found = list(scoring.scores(client, targets, instruments.load(client), days))
            scoring.write(client, found, context.run.run_id)
        short = [one for one in found if not one.score.goal_met]
        yield dg.AssetCheckResult(
            check_name="goal", asset_key=key, passed=not short, severity=dg.AssetCheckSeverity.WARN,
            metadata={"below": _table(short)},
        )
        yield dg.MaterializeResult(metadata={
            "dagster/row_count": len(found), "goal": GOAL, "goal_met": not short,
            "completeness": _mean([one.score.completeness for one in found]),
            "accuracy": _mean([one.score.accuracy for one in found]),
            "timeliness": _mean([one.score.timeliness for one in found]),
            "scores": _table(found),
        })

    return quality_scores


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0


def _table(found: Sequence[Scored]) -> dg.TableMetadataValue:
    worst = sorted(found, key=lambda one: one.score.completeness)[:_LISTED]
    return dg.TableMetadataValue(
        [
            dg.TableRecord({
                "dataset": one.dataset, "venue": one.venue, "day": one.day.isoformat(),
                "completeness": round(one.score.completeness, 6), "accuracy": round(one.score.accuracy, 6),
                "timeliness": round(one.score.timeliness, 6), "instruments": one.score.instruments,
                "rows": one.score.rows, "goal_met": one.score.goal_met,
            })
            for one in worst
        ],
        dg.TableSchema([
            dg.TableColumn("dataset"), dg.TableColumn("venue"), dg.TableColumn("day"),
            *(dg.TableColumn(name, "float") for name in ("completeness", "accuracy", "timeliness")),
            dg.TableColumn("instruments", "int"), dg.TableColumn("rows", "int"), dg.TableColumn("goal_met", "bool"),
        ]),
    )
