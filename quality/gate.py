"""Great Expectations as the gate: rows and days in, one verdict for each rule and each (instrument, day) out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from quality.errors import QualityCode
from quality.rule import Rule, Severity, Suite

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule on one day of one instrument."""

    rule: str
    severity: Severity
    instrument: int
    day: date
    failing_rows: int
    observed: str        # the first values that fail, '' where none does
    expected: str

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
    """Verdict on `frame` (columns of the dataset and `instrument`, `day`) for the wanted `days` (`instrument, day`).

    SUITE_BROKEN where a rule could not be evaluated: what is not judged is not published.
    """
    rows = suite.prepare(frame.with_row_index("row"))
    summary = suite.summarise(frame, days).with_row_index("row")
    findings: list[Finding] = []
    rejected = []
    for table, rules in ((rows, suite.ROWS), (summary, suite.DAYS)):
        failing = _evaluate(table, rules)
        for rule in rules:
            bad = failing[rule.name]
            findings += _by_day(rule, table, bad, days)
            if rule.severity is Severity.ERROR and table is rows:
                rejected.append(pl.DataFrame({"row": sorted(bad), "reason": rule.name}, schema=_REJECTED))
    return Verdict(tuple(findings), pl.concat(rejected) if rejected else pl.DataFrame(schema=_REJECTED))


def check_result(findings: Sequence[Finding], name: str, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """The findings as Dagster shows them: failed with ERROR if a day is quarantined, WARN if one is only partial."""
    import dagster as dg

    failed = [f for f in findings if not f.passed and f.severity >= Severity.WARNING]
    grave = any(f.severity is Severity.ERROR for f in failed)
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN if failed and not grave else dg.AssetCheckSeverity.ERROR,
        metadata={
            "expectations": len({f.rule for f in findings}),
            "days": len({(f.instrument, f.day) for f in findings}),
            "failures": dg.TableMetadataValue(
                records=[
                    dg.TableRecord({
                        "rule": f.rule, "severity": f.severity.name.lower(), "instrument": f.instrument,
                        "day": f.day.isoformat(), "failing_rows": f.failing_rows, "observed": f.observed,
                    })
                    for f in [f for f in findings if not f.passed][:100]
                ],
                schema=dg.TableSchema([
                    dg.TableColumn("rule"), dg.TableColumn("severity"), dg.TableColumn("instrument", "int"),
                    dg.TableColumn("day"), dg.TableColumn("failing_rows", "int"), dg.TableColumn("observed"),
                ]),
            ),
        },
    )


_REJECTED = {"row": pl.UInt32, "reason": pl.String}


def _by_day(rule: Rule, table: pl.DataFrame, bad: dict[int, str], days: pl.DataFrame) -> list[Finding]:
    """A finding for each wanted day; `bad` maps failing row numbers to what was seen there."""
    expected = ", ".join(f"{key}={value}" for key, value in rule.arguments.items() if not key.startswith("column"))
    seen: dict[tuple[int, date], list[str]] = {}
    for instrument, day, row in table[sorted(bad)].select("instrument", "day", "row").rows():
        seen.setdefault((instrument, day), []).append(bad[row])
    return [
        Finding(
            rule.name, rule.severity, instrument, day, len(values := seen.get((instrument, day), [])),
            "; ".join(values[:3]), expected or rule.expectation,
        )
        for instrument, day in days.select("instrument", "day").rows()
    ]


def _evaluate(table: pl.DataFrame, rules: Sequence[Rule]) -> dict[str, dict[int, str]]:
    """Failing rows of each rule: row number to the values seen. Numbers only: pandas has no cheap date column."""
    if table.is_empty():
        return {rule.name: {} for rule in rules}
    with warnings.catch_warnings():
        # The library's own deprecations and its note that it evaluates nulls as missing are not the user's business.
        warnings.simplefilter("ignore")
        result = _batch(table.drop("day")).validate(_suite(rules), result_format={
            "result_format": "COMPLETE", "unexpected_index_column_names": ["row"],
            "return_unexpected_index_query": False,
        })
    failing = {}
    for found in result.results:
        name = found.expectation_config.meta["rule"]
        if "unexpected_index_list" not in found.result:
            raise TickhouseError(QualityCode.SUITE_BROKEN, rule=name, problem=_problem(found.exception_info))
        failing[name] = {
            int(entry["row"]): ", ".join(f"{key}={value}" for key, value in entry.items() if key != "row")
            for entry in found.result["unexpected_index_list"] or ()
        }
    return failing


def _suite(rules: Sequence[Rule]) -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(
        name="suite",
        expectations=[
            getattr(gxe, rule.expectation)(
                **rule.arguments, severity=rule.severity.library_name, meta={"rule": rule.name}
            )
            for rule in rules
        ],
    )


def _batch(table: pl.DataFrame) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("frame").add_dataframe_asset("frame")
    return source.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table.to_pandas()})


def _problem(info: dict[str, Any]) -> str:
    if "exception_message" in info:
        return str(info["exception_message"])
    return "; ".join(str(part.get("exception_message")) for part in info.values())
