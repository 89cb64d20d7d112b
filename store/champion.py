"""The champion model as files: the live flow loads it without MLflow, and checks it before use."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from store.errors import StoreCode
from store.redis_state import model_key

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from infra.home import Home


MODEL = "flow"  # the name that is trained, registered, published and served; its feature group has the same


@dataclass(frozen=True, slots=True)
class Champion:
    """A published model and what it was trained on: float32 `[rows, len(names)]` in, one forecast a row out."""

    name: str
    version: int
    path: Path  # the ONNX file
    feature_group: str
    feature_version: int
    names: tuple[str, ...]  # features in the order of the model's input
    sha256: str
    label: str = ""  # what it forecasts, e.g. "forward_return_60s", in that label's unit
    prediction_std: float = 0.0  # of its forecasts out of sample, to scale them into risk units; 0: not known


def publish(
    home: Home,
    redis: redis.Redis | None,
    *,
    name: str,
    version: int,
    model: bytes,
    feature_group: str,
    feature_version: int,
    names: tuple[str, ...],
    label: str = "",
    prediction_std: float = 0.0,
) -> Champion:
    """The champion as readers will see it from now on: files first, then the pointer, then a copy in Redis.

    The pointer is replaced at once, so a reader meets the old champion or the new one.
    """
    folder = home.models / name / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    _replace(file, model)
    sha256 = hashlib.sha256(model).hexdigest()
    champion = Champion(
        name, version, file, feature_group, feature_version, names, sha256, label, prediction_std
    )
    meta = json.dumps(asdict(champion) | {"path": f"{version}/model.onnx"}, indent=1).encode()
    _replace(folder / "meta.json", meta)
    _replace(home.models / name / "champion.json", meta)
    if redis is not None:
        redis.hset(
            model_key(name), mapping={"version": version, "path": str(file), "sha256": champion.sha256}
        )
    return champion


def load(home: Home, name: str) -> Champion | None:
    """The champion of `name`, None where none was ever published; CHAMPION_BROKEN when its files are not whole."""
    pointer = home.models / name / "champion.json"
    try:
        meta = json.loads(pointer.read_bytes())
        path = pointer.parent / meta["path"]
        champion = Champion(**meta | {"path": path, "names": tuple(meta["names"])})
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        if not pointer.exists():
            return None
        raise TickhouseError(StoreCode.CHAMPION_BROKEN, name=name, problem=error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TickhouseError(StoreCode.CHAMPION_BROKEN, name=name, problem=error) from error
    if found != champion.sha256:
        raise TickhouseError(StoreCode.CHAMPION_BROKEN, name=name, file=path, expected=champion.sha256[:12])
    return champion


def _replace(file: Path, content: bytes) -> None:
    draft = file.with_name(file.name + ".tmp")
    draft.write_bytes(content)
    draft.replace(file)
