"""The rules that data are judged by: those of each dataset, those between datasets, and what is known of each venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from cli.reference.markdown import table
from market.dataset import Dataset
from market.instrument import market_of
from quality import suites
from quality.cross.rules import RULES
from quality.gate import SCHEMA
from quality.rule import Context, DayRule, RowRule
from venues import facts
from venues.facts import Facts

_WHAT = (
    "Before it is published every day passes the rules of its dataset: an error quarantines it, a warning makes it "
    "partial, an info is noted. Rules about rows count the rows that break them. [Data quality](../quality.md) tells "
    "what follows. Limits are those of one-minute bars and of a venue of which nothing is known."
)
_TITLES = ("rule", "severity", "what genuine data are")


def parts() -> list[str | Sequence[str]]:
    """Sections of the page, in the form that `page` takes."""
    found: list[str | Sequence[str]] = [
        "## Data",
        _WHAT,
    ]
    for dataset in Dataset:
        suite = suites.get(dataset, Context(market_of("any"), Facts()))
        found += [f"### {dataset}", table(_TITLES, _rows((SCHEMA, *suite.rows, *suite.days)))]
    found += [
        "### Between datasets",
        "Made when there is something to hold a day against, after it is published.",
        table(_TITLES, _rows(RULES)),
        "### What is known of venues",
        table(("venue", "facts that differ from the usual"), [
            (f"`{venue}`", _differing(known)) for venue, known in facts.venues().items()
        ]),
    ]
    return found


def _rows(rules: Sequence[RowRule | DayRule]) -> list[tuple[str, str, str]]:
    return [(f"`{rule.name}`", rule.severity.name.lower(), rule.expected) for rule in rules]


def _differing(known: Facts) -> str:
    usual = Facts()
    return ", ".join(
        f"`{one.name}` = {value}" for one in fields(Facts)
        if (value := getattr(known, one.name)) != getattr(usual, one.name)
    )
