"""Training set, model and champion: trained on a purged split, proved equal as ONNX, promoted by the gate."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from assets import training
from assets.errors import AssetCode
from assets.resources import ClickHouse, Tracking
from infra.errors import TickhouseError
from research import gate, onnx_model, train
from research.errors import ResearchCode
from research.labels import forward_return
from signals.features import registry
from store import champion as published
from store import instruments

GROUP = "models"
MODEL = published.MODEL
LABEL = forward_return.NAME
NOISE = "vol_300s"        # the feature that tells how noisy a row's label is


def build(venue: str, symbols: Sequence[str]) -> list[dg.AssetsDefinition]:
    """The three assets of the model on feature group `flow`."""
    return [_training_set(venue, symbols), model_flow, champion]


def _training_set(venue: str, symbols: Sequence[str]) -> dg.AssetsDefinition:
    @dg.asset(
        group_name=GROUP, kinds={"parquet"}, deps=[f"features_{MODEL}", "labels_forward_return"],
        description="Features joined with labels of the last days, as known at the end of the last",
    )
    def training_set(clickhouse: ClickHouse, tracking: Tracking) -> dg.MaterializeResult[str]:
        group = registry.get(MODEL)
        with clickhouse.client() as client:
            lives = [life.id for life in instruments.load(client) if life.venue == venue and life.symbol in symbols]
            last = training.last_day(client, group)
            frame = training.assemble(client, group, LABEL, lives, last)
        file = training.save(frame, tracking.home.training_sets)
        days = frame.select((frame["ts_event"] // 86_400_000_000_000).n_unique()).item()
        return dg.MaterializeResult(
            value=str(file),
            metadata={
                "dagster/row_count": frame.height, "days": days, "last_day": last.isoformat(),
                "instruments": len(lives), "features": len(group.names), "file": dg.MetadataValue.path(file),
            },
        )

    return training_set


@dg.asset(
    group_name=GROUP, kinds={"lightgbm", "onnx", "mlflow"},
    check_specs=[dg.AssetCheckSpec("onnx_parity", asset="model_flow", blocking=True,
                                   description="The exported model predicts what the trained one predicts")],
    description="LightGBM on the training set, logged to MLflow and registered as ONNX",
)
def model_flow(
    context: dg.AssetExecutionContext, training_set: str, tracking: Tracking
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[int]]:
    """The new registered version; nothing is registered where the export differs from what was trained."""
    group = registry.get(MODEL)
    rows = training.load(Path(training_set), group.names)
    parts = rows.split()
    noise = rows.features[:, group.names.index(NOISE)].astype(np.float64)
    trained = train.fit(rows.features, rows.label, group.names, parts, volatility=noise)
    model = onnx_model.export(trained.booster, len(group.names))
    same = onnx_model.parity(trained.booster, model, rows.features[parts.test][:50_000])
    yield dg.AssetCheckResult(check_name="onnx_parity", passed=same.equal, metadata=asdict(same))
    if not same.equal:
        raise dg.Failure(str(TickhouseError(ResearchCode.ONNX_DIFFERS, **asdict(same))), allow_retries=False)
    score = gate.score(onnx_model.predict(model, rows.features[parts.test]), rows.label[parts.test],
                       rows.starts[parts.test])
    registered = tracking.tracker().log(
        MODEL, model,
        parameters={**train.PARAMETERS, "rounds": trained.rounds, "label": LABEL, "feature_group": group.name,
                    "feature_version": group.version, "training_file": Path(training_set).name},
        metrics={f"test_{name}": value for name, value in asdict(score).items()}
        | {f"rows_{part}": len(getattr(parts, part)) for part in ("train", "validation", "test")}
        | {"onnx_max_difference": same.max_difference},
        tags={"feature_group": group.name, "feature_version": str(group.version), "label": LABEL,
              "dagster_run": context.run.run_id},
        texts={"features.json": json.dumps(group.names), "importance.json": json.dumps(trained.importance)},
    )
    top = sorted(trained.importance.items(), key=lambda pair: -pair[1])[:10]
    yield dg.MaterializeResult(
        value=registered.version,
        metadata={
            "version": registered.version, "mlflow_run": registered.run_id, "rounds": trained.rounds,
            "rows_train": len(parts.train), "rows_validation": len(parts.validation), **_score(score),
            "importance": dg.MetadataValue.md("\n".join(f"- {name}: {gain:.3g}" for name, gain in top)),
        },
    )


@dg.asset(
    group_name=GROUP, kinds={"mlflow", "redis"},
    check_specs=[dg.AssetCheckSpec("gate", asset="champion", description="Rank IC and skill out of sample")],
    description="The model that serves live: the newest one, if it beats zero and the one that serves",
)
def champion(
    context: dg.AssetExecutionContext, training_set: str, model_flow: int, tracking: Tracking
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """The champion after the gate: the challenger, or the incumbent with every reason why it stays."""
    group = registry.get(MODEL)
    tracker = tracking.tracker()
    challenger = tracker.latest(MODEL)
    if challenger is None or challenger.version < model_flow:
        raise TickhouseError(AssetCode.MODEL_MISSING, model=MODEL, wanted=model_flow)
    rows = training.load(Path(training_set), group.names)
    test = rows.split().test
    outcome, starts, inputs = rows.label[test], rows.starts[test], rows.features[test]
    model = tracker.model(MODEL, challenger.version)
    score = gate.score(onnx_model.predict(model, inputs), outcome, starts)
    incumbent = published.load(tracking.home, MODEL)
    comparable = incumbent is not None and incumbent.names == group.names and incumbent.feature_version == group.version
    decision = gate.decide(
        score,
        gate.score(onnx_model.predict(incumbent.path.read_bytes(), inputs), outcome, starts)
        if incumbent is not None and comparable else None,
    )
    if decision.promote:
        with tracking.redis() as redis:
            incumbent = published.publish(
                tracking.home, redis, name=MODEL, version=challenger.version, model=model,
                feature_group=group.name, feature_version=group.version, names=group.names, label=LABEL,
                prediction_std=score.prediction_std,
            )
        tracker.promote(MODEL, challenger.version)
    for reason in decision.reasons:
        context.log.warning("not promoted: %s", reason)
    # A refusal with a champion in place is the gate doing its work; without one nothing can serve.
    yield dg.AssetCheckResult(
        check_name="gate", passed=decision.promote,
        severity=dg.AssetCheckSeverity.ERROR if incumbent is None else dg.AssetCheckSeverity.WARN,
        metadata={"reasons": "; ".join(decision.reasons) or "none", **_score(score)},
    )
    yield dg.MaterializeResult(
        metadata={
            "promoted": decision.promote, "challenger": challenger.version,
            "champion": "none" if incumbent is None else incumbent.version,
            "reasons": "; ".join(decision.reasons) or "none", **_score(score),
            **({f"incumbent_{k}": v for k, v in _score(decision.incumbent).items()} if decision.incumbent else {}),
        }
    )


def _score(score: gate.Score) -> dict[str, Any]:
    return {"test_" + name: value for name, value in asdict(score).items()}
