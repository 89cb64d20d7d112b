"""The pre-trade checks and the codes they refuse with."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping

from cli.reference.markdown import page, table
from risk.errors import DenyCode
from risk.pretrade import ALWAYS, NEW_RISK, Check


def text() -> str:
    """Checks in the order in which an order passes them, then what each code means."""
    return page(
        "Pre-trade checks",
        "Every order passes all of them in this order, or does not go out. Reducing orders skip those for new risk.",
        table(("check", "for", "what it wants", "refuses", "codes"), [
            *_rows(ALWAYS, "every order"), *_rows(NEW_RISK, "new risk"),
        ]),
        table(("code", "meaning", "what to do"), [
            (f"`{code.name}`", code.meaning, code.next_step) for code in DenyCode
        ]),
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
