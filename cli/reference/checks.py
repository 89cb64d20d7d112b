"""The checks that orders pass before they go out, and those that data pass before they are published."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping

from cli.reference import data_checks
from cli.reference.markdown import page, table
from risk.errors import DenyCode
from risk.pretrade import ALWAYS, NEW_RISK, Check


def text() -> str:
    """Of orders: the checks in their order, then what each code means. Of data: the rules of each dataset."""
    return page(
        "Checks",
        "## Orders",
        "Every order passes all of them in this order, or does not go out. Reducing orders skip those for new risk.",
        table(("check", "for", "what it wants", "refuses", "codes"), [
            *_rows(ALWAYS, "every order"), *_rows(NEW_RISK, "new risk"),
        ]),
        table(("code", "meaning", "what to do"), [
            (f"`{code.name}`", code.meaning, code.next_step) for code in DenyCode
        ]),
        *data_checks.parts(),
    )


def _rows(checks: Mapping[str, Check], group: str) -> Iterator[tuple[str, ...]]:
    for name, check in checks.items():
        module = sys.modules[check.__module__]
        codes = dict.fromkeys(re.findall(r"DenyCode\.(\w+)", inspect.getsource(module)))
        refusal = (check.__doc__ or "").splitlines()[0].removeprefix("Refusal ").rstrip(".")
        yield (
            f"`{name}`", group, (module.__doc__ or "").splitlines()[0].rstrip("."), refusal,
            ", ".join(f"`{code}`" for code in codes),
        )
