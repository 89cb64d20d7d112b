"""Great Expectations as the judge: a table of numbers a day in, the days that break each rule out.

The library sees one row a day and one column a rule, not the rows themselves: a million rows through pandas would
take longer than to read and write them. It is imported here, when a day is judged, because that takes six seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infra.errors import TickhouseError
from quality.errors import QualityCode
from quality.rule import DayRule

if TYPE_CHECKING:
    import polars as pl


def broken(summary: pl.DataFrame, rules: Sequence[DayRule]) -> dict[str, set[int]]:
    """Row numbers of `summary` (a column a rule, without nulls) that break each rule; only rules that are broken.

    SUITE_BROKEN where a rule could not be evaluated: what is not judged is not published.
    """
    if summary.is_empty() or not rules:
        return {}
    batch = _batch(summary)
    with warnings.catch_warnings():
        # The library's own deprecations and its note that it evaluates nulls as missing are not the user's business.
        warnings.simplefilter("ignore")
        first = batch.validate(_suite(rules), result_format="BOOLEAN_ONLY")
        _all_evaluated(first, rules)
        failed = {found.expectation_config.meta["rule"] for found in first.results if not found.success}
        if not failed:
            return {}
        again = batch.validate(_suite([rule for rule in rules if rule.name in failed]), result_format={
            "result_format": "COMPLETE", "unexpected_index_column_names": ["row"],
            "return_unexpected_index_query": False,
        })
    return {
        found.expectation_config.meta["rule"]: {int(entry["row"]) for entry in found.result["unexpected_index_list"]}
        for found in again.results
    }


def _all_evaluated(validation: Any, rules: Sequence[DayRule]) -> None:
    """Success of a rule that raised is False as well, so look for what it raised."""
    for found in validation.results:
        problem = _problem(found.exception_info)
        if problem:
            raise TickhouseError(
                QualityCode.SUITE_BROKEN, rule=found.expectation_config.meta["rule"], problem=problem
            )
    if len(validation.results) != len(rules):
        raise TickhouseError(QualityCode.SUITE_BROKEN, rules=len(rules), judged=len(validation.results))


def _suite(rules: Sequence[DayRule]) -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    between: Any = gxe.ExpectColumnValuesToBeBetween  # type: ignore[attr-defined]  # the package has no __all__
    return gx.ExpectationSuite(
        name="suite",
        expectations=[
            between(
                column=rule.name, min_value=rule.least, max_value=rule.most,
                severity=rule.severity.library_name, meta={"rule": rule.name, "expected": rule.expected},
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
        return str(info["exception_message"] or "")
    return "; ".join(str(part["exception_message"]) for part in info.values() if part.get("exception_message"))
