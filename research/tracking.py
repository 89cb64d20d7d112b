"""MLflow: a training run with its model, the registry, and the alias `champion`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "tickhouse"
ALIAS = "champion"


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry, with what we said of it."""

    name: str
    version: int
    run_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tracker:
    """MLflow at an absolute address; `artifacts` is where a tracking database without a server keeps files."""

    uri: str
    artifacts: Path

    def log(
        self,
        name: str,
        model: bytes,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        texts: Mapping[str, str],
    ) -> Registered:
        """The new version of `name`, its ONNX model, figures and texts stored."""
        import mlflow
        import onnx

        client = self._client()
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            place = None if self.uri.startswith("http") else self.artifacts.resolve().as_uri()
            identity = client.create_experiment(EXPERIMENT, artifact_location=place)
        else:
            identity = experiment.experiment_id
        with mlflow.start_run(experiment_id=identity, run_name=name, tags=dict(tags)) as run:
            mlflow.log_params(dict(parameters))
            mlflow.log_metrics(dict(metrics))
            for file, text in texts.items():
                mlflow.log_text(text, file)
            mlflow.onnx.log_model(
                onnx.load_model_from_string(model),
                name="model",
                registered_model_name=name,
                # Named, or MLflow infers them for five seconds.
                pip_requirements=["onnxruntime"],
                onnx_execution_providers=["CPUExecutionProvider"],
            )
        found = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        version = int(found[0].version)
        for key, value in tags.items():
            client.set_model_version_tag(name, str(version), key, value)
        return Registered(name, version, run.info.run_id, dict(tags))

    def latest(self, name: str) -> Registered | None:
        """The newest version of `name`, None where there is none."""
        versions = self._client().search_model_versions(f"name = '{name}'")
        if not versions:
            return None
        newest = max(versions, key=lambda one: int(one.version))
        return Registered(name, int(newest.version), str(newest.run_id), dict(newest.tags))

    def model(self, name: str, version: int) -> bytes:
        """The ONNX bytes of a version."""
        import mlflow
        import onnx

        self._client()
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version}"))
        return bytes(onnx.load(str(next(folder.rglob("*.onnx")))).SerializeToString())

    def promote(self, name: str, version: int) -> None:
        """Moves the alias `champion` to this version."""
        self._client().set_registered_model_alias(name, ALIAS, str(version))

    def _client(self) -> MlflowClient:
        # Both are read when MLflow is imported or asked first: no phoning home, no bars in the log.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        import mlflow

        mlflow.set_tracking_uri(self.uri)  # its model flavours know no other way
        mlflow.set_registry_uri(self.uri)
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
