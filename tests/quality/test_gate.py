"""The gate finds each kind of bad row, names it, blames only its own day, and lets the library decide."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import Dataset
from quality import gate, library, suites
from quality.rule import DayRule, Severity
from tests.quality.frames import DAYS, FIRST, GOOD, MINUTE_NS, SECOND, START, bars, context, judge, spoil, trades


@pytest.mark.parametrize("dataset", GOOD)
def test_good_days_pass_every_rule(dataset):
    suite = suites.get(dataset, context())
    found = judge(dataset, GOOD[dataset]())
    assert [finding for finding in found.findings if not finding.passed] == []
    assert len(found.findings) == 2 * (1 + len(suite.rows) + len(suite.days))
    assert found.rejected.is_empty()


@pytest.mark.parametrize("dataset", GOOD)
def test_a_day_without_rows_is_judged_too(dataset):
    found = judge(dataset, GOOD[dataset]().clear())
    assert len({(finding.rule, finding.day) for finding in found.findings}) == len(found.findings)
    assert found.worst(1, FIRST) is not Severity.ERROR


def test_one_bad_row_is_named_and_blames_its_day_only():
    found = judge(Dataset.BARS, spoil(bars(), 3, volume=-1))
    broken = [finding for finding in found.findings if not finding.passed]
    assert [(finding.rule, finding.day, finding.failing_rows) for finding in broken] == [
        ("volume_not_negative", FIRST, 1)
    ]
    assert f"ts_event={START + 3 * MINUTE_NS}" in broken[0].observed
    assert broken[0].rows == (f"ts_event={START + 3 * MINUTE_NS}, volume=-1",)
    assert found.rejected.to_dicts() == [{"row": 3, "reason": "volume_not_negative"}]
    assert found.worst(1, FIRST) is Severity.ERROR
    assert found.worst(1, SECOND) is None


def test_twenty_of_many_failing_rows_are_named_and_all_are_rejected():
    found = judge(Dataset.BARS, spoil(bars(), range(100), volume=-1))
    broken = next(finding for finding in found.findings if not finding.passed)
    assert (broken.failing_rows, len(broken.rows), found.rejected.height) == (100, gate.NAMED, 100)


def test_rows_are_rejected_by_their_place_in_the_frame_whatever_its_order():
    frame = spoil(bars(), 3, volume=-1).reverse()
    found = judge(Dataset.BARS, frame)
    row = found.rejected.filter(pl.col("reason") == "volume_not_negative")["row"].item()
    assert frame["volume"][row] == -1


def test_columns_that_are_missing_or_of_another_type_reject_the_whole_day():
    for frame, named in (
        (bars().drop("low"), "low: missing"), (bars().with_columns(pl.col("low").cast(pl.Float64)), "low: Float64")
    ):
        found = judge(Dataset.BARS, frame)
        assert {f.observed for f in found.findings if f.rule == "schema"} == {named}
        assert found.worst(1, FIRST) is Severity.ERROR
        assert found.rejected.filter(pl.col("reason") == "schema").height == frame.height


def test_many_instruments_are_judged_at_once_and_blamed_one_by_one(monkeypatch):
    asked = []
    real = library.broken
    monkeypatch.setattr(library, "broken", lambda summary, rules: asked.append(summary.height) or real(summary, rules))
    items = []
    for number in range(1, 11):
        where = context()
        where = replace(where, life=replace(where.life, id=number))
        named = pl.col("instrument").cast(pl.UInt32) * 0 + number
        frame = bars() if number != 7 else spoil(bars(), 1441, volume=-1)
        items.append((suites.get(Dataset.BARS, where), frame.with_columns(named), DAYS.with_columns(named)))
    verdicts = gate.judge_many(items)
    assert asked == [20]
    assert [verdict.worst(at + 1, SECOND) for at, verdict in enumerate(verdicts)] == [
        Severity.ERROR if number == 7 else None for number in range(1, 11)
    ]
    assert verdicts[6].rejected["row"].to_list() == [1441]
    assert verdicts[6].worst(7, FIRST) is None


def test_one_frame_of_several_instruments_is_judged_instrument_by_instrument():
    other = spoil(bars(), 3, volume=-1).with_columns(instrument=pl.lit(2, dtype=pl.UInt32))
    days = pl.concat([DAYS, DAYS.with_columns(instrument=pl.lit(2, dtype=pl.UInt32))])
    found = judge(Dataset.BARS, pl.concat([bars(), other]), days=days)
    assert (found.worst(1, FIRST), found.worst(2, FIRST)) == (None, Severity.ERROR)
    assert found.rejected["row"].to_list() == [2 * 1440 + 3]


def test_the_library_decides_by_the_bounds_of_the_rule():
    summary = pl.DataFrame({"row": [0, 1, 2], "low": [0.0, 5.0, 9.0]})
    rules = [DayRule("low", "between 1 and 8", least=1, most=8)]
    assert library.broken(summary, rules) == {"low": {0, 2}}
    assert library.broken(summary.filter(pl.col("row") == 1), rules) == {}


def test_an_expectation_that_cannot_be_evaluated_stops_the_gate():
    with pytest.raises(TickhouseError, match="SUITE_BROKEN"):
        library.broken(pl.DataFrame({"row": [0], "a": [1.0]}), [DayRule("ghost", "a column that is there", most=0)])


def test_a_number_that_is_missing_breaks_its_rule():
    rules = [DayRule("a", "", most=0), DayRule("b", "", least=1)]
    summary = pl.DataFrame({"row": [0, 1], "a": [None, 0.0], "b": [2.0, float("nan")]})
    assert library.broken(summary, rules) == {"a": {0}, "b": {1}}


def test_dagster_sees_error_for_quarantine_and_warn_for_partial():
    import dagster as dg

    bad = judge(Dataset.BARS, spoil(bars(), 3, volume=-1))
    gap = judge(Dataset.BARS, bars().remove(pl.col("ts_event") == START + 7 * MINUTE_NS))
    key = dg.AssetKey("bars")
    result = gate.check_result(bad.findings, "suite", key)
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert result.metadata["failing_rows"].records[0].data["row"].startswith(f"ts_event={START + 3 * MINUTE_NS}")
    assert gate.check_result(gap.findings, "suite", key).severity is dg.AssetCheckSeverity.WARN
    assert not gate.check_result(gap.findings, "suite", key).passed
    note = judge(Dataset.TRADES, spoil(trades(), 3, side=0))
    assert gate.check_result(note.findings, "suite", key).passed


def test_rules_of_a_suite_have_names_of_their_own():
    for dataset in Dataset:
        suite = suites.get(dataset, context())
        names = [rule.name for rule in (*suite.rows, *suite.days)]
        assert len(names) == len(set(names))
