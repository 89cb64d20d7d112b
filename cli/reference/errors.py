"""Every error code of the project."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

from cli.reference.markdown import page, table
from infra.errors import ErrorCode
from infra.settings import PROJECT

_APART = ("tests", "docs")


def text() -> str:
    """Every code with its meaning and the reader's next step, sorted by code."""
    rows = sorted(
        (member.name, f"`{kind.__module__}`", member.meaning, member.next_step)
        for kind in error_enums()
        for member in kind
    )
    return page(
        "Error codes",
        "A message reads `CODE key=value: meaning; next step`.",
        table(("code", "where", "meaning", "what to do"), rows),
    )


def error_enums() -> list[type[ErrorCode]]:
    """Every enum of codes: only the modules that declare one are imported."""
    modules = sorted(
        ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        for file in PROJECT.glob("*/**/*.py")
        if "(ErrorCode)" in _source(file)
    )
    return [
        kind
        for name in modules
        for _, kind in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(kind, ErrorCode) and kind is not ErrorCode and kind.__module__ == name
    ]


def _source(file: Path) -> str:
    top = file.relative_to(PROJECT).parts[0]
    if top.startswith(".") or top in _APART or file == Path(__file__):
        return ""
    return file.read_text()
