"""Great Expectations as the judge: numbers by day and rule in, the days that break each rule out.

The library sees a number and its bounds for each day and rule, not the rows themselves: a million rows through pandas
would take longer than to read and write them, and thirty expectations cost half a second a call where two cost a
tenth. It is imported here, when a day is judged, because that takes six seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from math import inf, nan
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from quality.errors import QualityCode

if TYPE_CHECKING:
    from quality.rule import DayRule


def broken(summary: pl.DataFrame, rules: Sequence[DayRule]) -> dict[str, set[int]]:
    """Row numbers of `summary` (`row` and a column a rule) that break each rule; only rules that are broken.

    A number that is missing breaks its rule. SUITE_BROKEN where the library could not judge: what is not judged is
    not published.
    """
    if summary.is_empty() or not rules:
        return {}
    if unknown := [rule.name for rule in rules if rule.name not in summary.columns]:
        raise TickhouseError(QualityCode.SUITE_BROKEN, rule=unknown[0], problem="no such number")
    batch = _batches().get_batch({"dataframe": _numbers(summary, rules).to_pandas()})
    with warnings.catch_warnings():
        # The library's own deprecations and its note that it evaluates nulls as missing are not the user's business.
        warnings.simplefilter("ignore")
        validation = batch.validate(_suite(), result_format={
            "result_format": "COMPLETE", "unexpected_index_column_names": ["row", "rule"],
            "return_unexpected_index_query": False,
        })
    failing: dict[str, set[int]] = {}
    for found in validation.results:
        problem = _problem(found.exception_info)
        if problem or found.result.get("element_count") != summary.height * len(rules):
            raise TickhouseError(QualityCode.SUITE_BROKEN, rules=len(rules), problem=problem or "not all was judged")
        if found.success:
            continue
        for entry in found.result["unexpected_index_list"]:
            failing.setdefault(rules[int(entry["rule"])].name, set()).add(int(entry["row"]))
    return failing


def _numbers(summary: pl.DataFrame, rules: Sequence[DayRule]) -> pl.DataFrame:
    """`row, rule` (its place), `value, least, most`, one row a day and rule; what is not bounded is infinite."""
    names = [rule.name for rule in rules]
    values = summary.select("row", pl.col(names).cast(pl.Float64)).unpivot(
        index="row", variable_name="name", value_name="value"
    )
    bounds = pl.DataFrame({
        "name": names, "rule": range(len(rules)),
        "least": [-inf if rule.least is None else float(rule.least) for rule in rules],
        "most": [inf if rule.most is None else float(rule.most) for rule in rules],
    })
    return values.join(bounds, on="name", how="inner", maintain_order="left").select(
        "row", "rule", pl.col("value").fill_null(nan), "least", "most"
    )


def _suite() -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    at_least: Any = gxe.ExpectColumnPairValuesAToBeGreaterThanB  # type: ignore[attr-defined]  # no __all__ there
    return gx.ExpectationSuite(name="suite", expectations=[
        at_least(column_A="value", column_B="least", or_equal=True, ignore_row_if="neither"),
        at_least(column_A="most", column_B="value", or_equal=True, ignore_row_if="neither"),
    ])


@cache
def _batches() -> Any:
    """One context a process: each makes a temporary folder and grows by some megabytes."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("frame").add_dataframe_asset("frame")
    return source.add_batch_definition_whole_dataframe("whole")


def _problem(info: dict[str, Any]) -> str:
    if "exception_message" in info:
        return str(info["exception_message"] or "")
    return "; ".join(str(part["exception_message"]) for part in info.values() if part.get("exception_message"))
