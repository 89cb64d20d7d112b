"""The champion model on this machine: plain files under `Home.models`, read by the live flow without MLflow.

Layout: `<name>/<version>/model.onnx` with `meta.json`, and `<name>/champion.json` naming the version that serves.
A version's folder appears whole or not at all, and `champion.json` is replaced at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import ErrorCode, TickhouseError
from store import redis_state

if TYPE_CHECKING:
    from redis import Redis

    from infra.home import Home

MODEL_FILE = "model.onnx"
META_FILE = "meta.json"
CHAMPION_FILE = "champion.json"


class ChampionCode(ErrorCode):
    """What can be wrong with a published model."""

    CHAMPION_DAMAGED = (
        "the published model is missing a file or its bytes are not those that were published",
        "materialise the asset `champion` again",
    )


@dataclass(frozen=True, slots=True)
class Champion:
    """A model that serves: one float32 input `[rows, len(names)]`, one output, the label's unit (log return)."""

    name: str
    version: int              # of the model registry
    path: Path                # of the ONNX file
    feature_group: str
    feature_version: int
    names: tuple[str, ...]    # the features, in the order of the input's columns
    sha256: str               # of the ONNX file, hex
    label: str = ""           # what it predicts, e.g. "forward_return_60s"
    prediction_std: float = 0.0   # standard deviation of its out-of-sample predictions, for scaling into risk units


def publish(home: Home, redis: Redis | None, model: bytes, champion: Champion) -> Champion:
    """The published champion, its `path` and `sha256` filled in; publishing the same twice changes nothing.

    Files first, Redis after: a reader that hears of the new version finds it.
    """
    folder = home.models / champion.name / str(champion.version)
    done = replace(champion, path=folder / MODEL_FILE, sha256=hashlib.sha256(model).hexdigest())
    text = json.dumps({**asdict(done), "path": f"{champion.version}/{MODEL_FILE}"}, indent=1)
    if not _holds(folder, model, text):
        draft = folder.with_name(f".{champion.version}.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        (draft / MODEL_FILE).write_bytes(model)
        (draft / META_FILE).write_text(text)
        shutil.rmtree(folder, ignore_errors=True)  # left by a registry that began again at version 1
        draft.rename(folder)
    pointer = folder.with_name(CHAMPION_FILE)
    pointer.with_suffix(".tmp").write_text(text)
    pointer.with_suffix(".tmp").replace(pointer)
    if redis is not None:
        redis.set(redis_state.model_key(champion.name), text)
    return done


def load(home: Home, name: str) -> Champion | None:
    """The champion called `name`, its bytes checked; None where none was ever published, else CHAMPION_DAMAGED."""
    pointer = home.models / name / CHAMPION_FILE
    if not pointer.is_file():
        return None
    try:
        fields = json.loads(pointer.read_text())
        champion = Champion(**{**fields, "path": pointer.parent / fields["path"], "names": tuple(fields["names"])})
        actual = hashlib.sha256(champion.path.read_bytes()).hexdigest()
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise TickhouseError(ChampionCode.CHAMPION_DAMAGED, model=name, file=pointer, problem=error) from error
    if actual != champion.sha256:
        raise TickhouseError(ChampionCode.CHAMPION_DAMAGED, model=name, file=champion.path, sha256=actual)
    return champion


def _holds(folder: Path, model: bytes, meta: str) -> bool:
    try:
        return (folder / MODEL_FILE).read_bytes() == model and (folder / META_FILE).read_text() == meta
    except FileNotFoundError:
        return False
