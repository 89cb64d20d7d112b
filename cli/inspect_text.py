"""A file's report, drawn in the terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from market.dataset import INTERVALS
from quality.rule import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table as Drawing

    from cli.inspect_file import Report, Table
    from quality.gate import Finding

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SHOWN = 90  # characters of an example


def show(console: Console, report: Report) -> None:
    """Prints the report, what could not be found out with what to do about it."""
    from rich.markup import escape

    console.print(f"[bold]{escape(report.name)}[/]", soft_wrap=True)
    if not report.format:
        _unknown(console, report)
        return
    told = report.told
    life = report.life
    guessed = "" if report.guess is None else " (found)" if not report.proposed else " (proposed)"
    console.print(f"format   {report.format}{guessed}")
    if life is not None:
        console.print(f"symbol   {escape(life.symbol or 'not told: --symbol BTC/USDT')}{_why(told, 'symbol')}")
        console.print(f"venue    {life.venue or 'not told: --venue kraken'}{_why(told, 'venue')}")
        console.print(f"scales   price {life.price_scale}, quantity {life.qty_scale}{_why(told, 'scales')}")
    if "numbers" in told:
        console.print(f"numbers  [yellow]{told['numbers']}[/]")
    if report.options:
        console.print(f"options  {escape(toml(report.options))}", soft_wrap=True)
    if report.proposed:
        console.print("[yellow]no format knows this file: the column map above is proposed from the names, read it[/]")
    if report.cut:
        console.print("[yellow]only the first rows were read: --rows reads more[/]")
    for table in report.tables:
        console.print(_facts(table))
        console.print(_verdicts(table))


def toml(options: Mapping[str, Any]) -> str:
    """The options as config/sources.toml takes them, on one line."""
    def value(of: Any) -> str:
        if isinstance(of, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {value(one)}" for key, one in of.items()) + "}"
        return json.dumps(of, default=str)

    return ", ".join(f"{key} = {value(of)}" for key, of in options.items())


def _facts(table: Table) -> Drawing:
    from rich.table import Table as Drawing

    drawing = Drawing(title=f"\n{table.name}", title_justify="left", title_style="bold")
    for name in ("rows", "first (UTC)", "last (UTC)", "every", "gaps", "missing", "duplicates"):
        drawing.add_column(name, overflow="fold")
    every = INTERVALS.get(table.interval_s, f"{table.interval_s} s") if table.interval_s else ""
    drawing.add_row(
        f"{table.rows:,}", _time(table.first), _time(table.last), every, str(table.gaps), str(table.missing),
        str(table.duplicates),
    )
    return drawing


def _verdicts(table: Table) -> Drawing | str:
    from rich.markup import escape
    from rich.table import Table as Drawing

    failed: dict[str, list[Finding]] = {}
    for finding in table.findings:
        if not finding.passed:
            failed.setdefault(finding.rule, []).append(finding)
    days = len({finding.day for finding in table.findings})
    passed = len({finding.rule for finding in table.findings}) - len(failed)
    if not failed:
        return f"[green]all {passed} rules hold on all {days} days[/]"
    drawing = Drawing(caption=f"{passed} rules hold on all {days} days", caption_justify="left")
    for name in ("severity", "rule", "days", "rows", "expected", "for example"):
        drawing.add_column(name, overflow="fold")
    for rule, found in sorted(failed.items(), key=lambda item: (-max(one.severity for one in item[1]), item[0])):
        first = found[0]
        colour = _COLOURS[first.severity]
        drawing.add_row(
            f"[{colour}]{first.severity.name}[/]", rule, str(len(found)), str(sum(one.failing_rows for one in found)),
            first.expected, escape(f"{first.day}: {first.observed}"[:_SHOWN]),
        )
    return drawing


def _unknown(console: Console, report: Report) -> None:
    from rich.markup import escape
    from rich.table import Table as Drawing

    guess = report.guess
    if guess is not None and guess.fitting:
        names = ", ".join(guess.best(report.name))
        console.print(f"[yellow]more than one format reads it: choose with --format, one of {names}[/]")
        return
    drawing = Drawing(title="no format reads it", title_justify="left")
    drawing.add_column("format", no_wrap=True)
    drawing.add_column("why not", overflow="fold")
    for name, error in sorted((guess.problems if guess else {}).items()):
        parts = [f"{key}={value}" for key, value in error.context.items() if key not in {"file", "known", "row"}]
        drawing.add_row(name, escape(f"{error.code.name} {' '.join(parts)}"[:160]))
    console.print(drawing)
    console.print("name the columns: --format columns_csv --option dataset=trades --option columns.ts_event=time ...")


def _why(told: Mapping[str, str], key: str) -> str:
    return f" ({told[key]})" if key in told else ""


def _time(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S")
