"""Every error code of the project."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from cli.reference.markdown import page, table
from infra.errors import ErrorCode
from infra.settings import PROJECT


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
        for file in python_files()
        if file != Path(__file__) and "(ErrorCode)" in file.read_text()
    )
    return [
        kind
        for name in modules
        for _, kind in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(kind, ErrorCode) and kind is not ErrorCode and kind.__module__ == name
    ]


def python_files() -> Iterator[Path]:
    """Our own modules, without tests."""
    for package in PROJECT.glob("*/__init__.py"):
        if package.parent.name != "tests":
            yield from package.parent.rglob("*.py")
