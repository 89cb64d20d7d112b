"""`tickhouse docs`: write the reference tables in docs/reference/ from the code."""

from __future__ import annotations

from infra.settings import PROJECT

REFERENCE = PROJECT / "docs" / "reference"


def command() -> None:
    """Write docs/reference/*.md anew from the code."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
        print(f"docs/reference/{name}")


def pages() -> dict[str, str]:
    """File name -> text of every generated page."""
    from cli.reference import checks, config, errors, features, orders, tables

    return {f"{made.__name__.rpartition('.')[2]}.md": made.text() for made in (
        checks, config, errors, features, orders, tables
    )}
