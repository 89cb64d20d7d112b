"""Every setting with its default."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from cli.reference.markdown import page, table
from infra.settings import PROJECT, Settings


def text() -> str:
    """A row a key of `config/tickhouse.toml`: its environment variable, kind and default."""
    return page(
        "Settings",
        "Defaults are those of the code; `config/tickhouse.toml` overrides them and the environment overrides both. "
        "Secrets are taken from the environment only.",
        table(("key", "environment", "default"), settings()),
    )


def settings() -> Iterator[tuple[str, str, str]]:
    """Key, environment variable and default, in the order of the settings."""
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            for inner in type(default).model_fields:
                yield _row((name, inner), getattr(default, inner))
        elif default is not PydanticUndefined:
            yield _row((name,), default)


def _row(path: tuple[str, ...], default: Any) -> tuple[str, str, str]:
    variable = "TICKHOUSE_" + "__".join(path).upper()
    return f"`{'.'.join(path)}`", f"`{variable}`", _show(default)


def _show(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "none (secret)"
    if isinstance(value, Path):
        return f"`{value.relative_to(PROJECT)}`"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value) or "none"
    return f"`{value}`" if str(value) else "empty"
