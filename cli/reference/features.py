"""The feature groups, and the label that models learn."""

from __future__ import annotations

import inspect
import re
import sys

from cli.reference.markdown import page, table
from signals.features import registry
from signals.features.registry import BarGroup, FeatureGroup


def text() -> str:
    """A table a group: its features in the order of a row."""
    parts: list[str | list[str]] = ["In the order of a row. A remark holds for the lines below it too."]
    groups: list[FeatureGroup | BarGroup] = [registry.get(name) for name in registry.names()]
    groups += [registry.bar_group(name) for name in registry.bar_names()]
    for group in groups:
        parts.append(f"## `{group.name}`, version {group.version}")
        source = inspect.getsource(sys.modules[type(group).__module__])
        rows = [(str(place), f"`{one}`", _remark(source, one)) for place, one in enumerate(group.names)]
        parts.append(table(("place", "feature", "what"), rows))
    return page("Features", *parts)


def _remark(source: str, name: str) -> str:
    """The comment beside the name in the kernel's file, empty where there is none."""
    found = re.search(rf'^\s*"{re.escape(name)}",\s*# (.+)$', source, re.MULTILINE)
    return found[1] if found else ""
