"""The gate: rows and days in, one verdict for each rule and each (instrument, day) out.

A vectorised pass finds the rows that break each rule and counts them by day; Great Expectations judges the days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from market.dataset import SCHEMAS
from quality import library
from quality.rule import DayRule, RowRule, Severity, Suite

if TYPE_CHECKING:
    import dagster as dg

NAMED = 20  # failing rows that a finding names

SCHEMA = DayRule(
    "schema", "the columns of the dataset, in their types", Severity.ERROR, most=0, whole_day=True
)
_EPOCH = date(1970, 1, 1)
DAY_NS = 86_400_000_000_000
_REJECTED = {"row": pl.UInt32, "reason": pl.String}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule on one day of one instrument."""

    rule: str
    severity: Severity
    instrument: int
    day: date
    failing_rows: int    # of a rule about the day: 1, or all rows where it condemns them
    observed: str        # the first values that fail, '' where none does
    expected: str
    rows: tuple[str, ...] = ()  # the first NAMED failing rows by their keys

    @property
    def passed(self) -> bool:
        """Whether every row of that day met the rule."""
        return self.failing_rows == 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found: a finding for each rule and day, and the failing rows with their rule."""

    findings: tuple[Finding, ...]
    rejected: pl.DataFrame   # `row, reason`: row numbers of the frame that failed a rule of severity ERROR

    def worst(self, instrument: int, day: date) -> Severity | None:
        """The gravest failure on that day, None where all passed."""
        found = [f.severity for f in self.findings if (f.instrument, f.day) == (instrument, day) and not f.passed]
        return max(found, default=None)


def judge(suite: Suite, frame: pl.DataFrame, days: pl.DataFrame) -> Verdict:
    """Verdict on `frame` (columns of the dataset and `day`) for the wanted `days` (`instrument, day`).

    SUITE_BROKEN where a rule could not be evaluated: what is not judged is not published.
    """
    return judge_many([(suite, frame, days)])[0]


def judge_many(items: Sequence[tuple[Suite, pl.DataFrame, pl.DataFrame]]) -> list[Verdict]:
    """A verdict for each item of one dataset, the library asked once for all: it costs 0.1 s whatever the number."""
    looks = [[_look(suite, part, wanted) for part, wanted in _by_instrument(frame, days)]
             for suite, frame, days in items]
    verdicts: list[Verdict | None] = [None] * len(items)
    # Suites of one dataset have the same rules unless their contexts set other bounds.
    groups: dict[tuple[DayRule, ...], list[int]] = {}
    for at, (suite, _, _) in enumerate(items):
        groups.setdefault(_rules(suite), []).append(at)
    for rules, members in groups.items():
        summary = pl.concat([look.summary for at in members for look in looks[at]])
        broken = library.broken(summary.drop("instrument", "day").with_row_index("row"), rules)
        start = 0
        for at in members:
            findings: list[Finding] = []
            rejected = [pl.DataFrame(schema=_REJECTED)]
            for look in looks[at]:
                here = range(start, start + look.summary.height)
                failing = {name: {row - start for row in rows if row in here} for name, rows in broken.items()}
                found = _findings(items[at][0], look, failing)
                findings += found
                rejected += _rejected(items[at][0], look, found)
                start += look.summary.height
            verdicts[at] = Verdict(tuple(findings), pl.concat(rejected))
    return [verdict for verdict in verdicts if verdict is not None]


def _rules(suite: Suite) -> tuple[DayRule, ...]:
    """What the library judges: of a row rule, how many rows of the day break it."""
    counted = (DayRule(rule.name, rule.expected, rule.severity, most=0) for rule in suite.rows)
    return (SCHEMA, *counted, *suite.days)


@dataclass(frozen=True, slots=True)
class _Look:
    """What the pass over one instrument's rows found."""

    bad: pl.DataFrame      # rows that break a rule, with a Boolean column a rule
    summary: pl.DataFrame  # `instrument, day` and a number a rule
    rows: pl.DataFrame     # `row, day` of all rows
    wrong: tuple[str, ...]  # columns that are missing or of another type, with the type found


def _look(suite: Suite, frame: pl.DataFrame, days: pl.DataFrame) -> _Look:
    wrong = [name for name, kind in SCHEMAS[suite.dataset].items() if frame.schema.get(name) != kind]
    names = [rule.name for rule in suite.rows]
    empty = pl.DataFrame(schema={**SCHEMAS[suite.dataset], "row": pl.UInt32, "day": pl.Date})
    rows = suite.prepare(empty if wrong else frame)
    flags = rows.select(rule.failing.fill_null(value=False).alias(rule.name) for rule in suite.rows)
    hit = flags.select(pl.any_horizontal(names)).to_series()
    bad = pl.concat([rows.filter(hit), flags.filter(hit)], how="horizontal")
    counts = bad.group_by("day").agg(pl.col(names).sum().cast(pl.Int64))
    by_day = rows.group_by("day").agg(pl.len().cast(pl.Int64).alias("rows"), *suite.metrics)
    expected = [suite.expected_rows((day - _EPOCH).days * DAY_NS) for day in days["day"]]
    summary = (
        days.with_columns(pl.Series("expected", expected, dtype=pl.Int64))
        .join(counts, on="day", how="left", maintain_order="left")
        .join(by_day, on="day", how="left", maintain_order="left")
        .with_columns(pl.exclude("instrument", "day").fill_null(0), schema=pl.lit(len(wrong), dtype=pl.Int64))
        .with_columns(suite.derived)
    )
    columns = ["schema", *names, *(rule.name for rule in suite.days)]
    return _Look(
        bad,
        summary.select("instrument", "day", pl.col(columns).cast(pl.Float64)),
        frame.select("row", "day"),
        tuple(f"{name}: {frame.schema.get(name, 'missing')}" for name in wrong),
    )


def _by_instrument(frame: pl.DataFrame, days: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    numbered = frame if "row" in frame.columns else frame.with_row_index("row")
    wanted = days.partition_by("instrument", as_dict=True)
    if len(wanted) == 1:
        yield numbered, days
        return
    for (instrument,), part in wanted.items():
        yield numbered.filter(pl.col("instrument") == instrument), part


def _findings(suite: Suite, look: _Look, broken: dict[str, set[int]]) -> list[Finding]:
    found = []
    days = look.summary.select("instrument", "day").rows()
    rules: tuple[RowRule | DayRule, ...] = (SCHEMA, *suite.rows, *suite.days)
    for rule in rules:
        failing = broken.get(rule.name, set())
        values = look.summary[rule.name].to_list()
        for at, (instrument, day) in enumerate(days):
            if at not in failing:
                found.append(Finding(rule.name, rule.severity, instrument, day, 0, "", rule.expected))
                continue
            rows: tuple[str, ...] = ()
            count = 1
            if isinstance(rule, RowRule):
                rows = _named(suite, rule, look.bad.filter(pl.col("day") == day))
                count = int(values[at])
            elif rule.whole_day:
                count = look.rows.filter(pl.col("day") == day).height
            observed = "; ".join(look.wrong if rule is SCHEMA else rows[:3]) or f"{rule.name}={values[at]:g}"
            found.append(Finding(rule.name, rule.severity, instrument, day, count, observed, rule.expected, rows))
    return found


def _named(suite: Suite, rule: RowRule, bad: pl.DataFrame) -> tuple[str, ...]:
    columns = list(dict.fromkeys([*suite.key, *rule.shows, *(["line"] if "line" in bad.columns else [])]))
    shown = bad.filter(pl.col(rule.name)).select(columns).head(NAMED)
    return tuple(", ".join(f"{key}={value}" for key, value in row.items()) for row in shown.iter_rows(named=True))


def _rejected(suite: Suite, look: _Look, findings: Sequence[Finding]) -> list[pl.DataFrame]:
    """Rows that broke a rule of severity ERROR, and those of days that broke one as a whole."""
    parts = [
        look.bad.filter(pl.col(rule.name)).select("row", pl.lit(rule.name).alias("reason"))
        for rule in suite.rows if rule.severity is Severity.ERROR
    ]
    days: tuple[DayRule, ...] = (SCHEMA, *suite.days)
    whole = {rule.name for rule in days if rule.whole_day and rule.severity is Severity.ERROR}
    for finding in findings:
        if finding.rule in whole and not finding.passed:
            of_day = look.rows.filter(pl.col("day") == finding.day)
            parts.append(of_day.select("row", pl.lit(finding.rule).alias("reason")))
    return [part.cast(_REJECTED) for part in parts if not part.is_empty()]  # type: ignore[arg-type]


def check_result(findings: Sequence[Finding], name: str, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """The findings as Dagster shows them: failed with ERROR if a day is quarantined, WARN if one is only partial."""
    from quality import report

    return report.check_result(findings, name, asset)
