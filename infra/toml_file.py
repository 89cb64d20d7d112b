"""TOML files that people edit, read for those who may open no file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from infra.errors import ErrorCode, TickhouseError


class TomlCode(ErrorCode):
    """What can be wrong with a TOML file."""

    TOML_MISSING = "the file does not exist or cannot be read", "create it, or correct the path"
    TOML_INVALID = "the file is not valid TOML", "correct the line named here"


def read(path: Path) -> dict[str, Any]:
    """The file's tables as dictionaries; TOML_MISSING or TOML_INVALID with the place."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TickhouseError(TomlCode.TOML_MISSING, file=path, problem=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TickhouseError(TomlCode.TOML_INVALID, file=path, problem=error) from error
