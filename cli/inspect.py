"""`tickhouse inspect`: what is in a file, before anything is made of it."""

from __future__ import annotations

from typing import Annotated

import typer

BAD = 1
File = Annotated[str, typer.Argument(help="A file on this machine or its URL; packed ones are unpacked.")]
Format = Annotated[str, typer.Option("--format", help="Its format; else all that there are are tried.")]
Symbol = Annotated[str, typer.Option(help="Whose rows these should be: BTC/USDT, or BTC/USDT:USDT for a swap.")]
Venue = Annotated[str, typer.Option(help="Whose habits the checks should know: binance, kraken, ...")]
PriceScale = Annotated[int | None, typer.Option(min=0, max=18, help="Decimals of prices; else the fewest that do.")]
QtyScale = Annotated[int | None, typer.Option(min=0, max=18, help="Decimals of quantities; else the fewest that do.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="key=value of the format, as in config/sources.toml; repeatable.")
]
Rows = Annotated[int, typer.Option(min=1, help="How many rows to read at most.")]


def command(
    file: File, format_name: Format = "", symbol: Symbol = "", venue: Venue = "", price_scale: PriceScale = None,
    qty_scale: QtyScale = None, options: Options = None, rows: Rows = 2_000_000,
) -> None:
    """Read a file as an ingest would, and judge it; nothing is written. Exit code 1 when it would be refused."""
    from rich.console import Console

    from cli import inspect_file, inspect_text
    from infra.home import Home
    from infra.settings import load
    from quality.rule import Severity

    wish = inspect_file.Wish(
        file, format_name, symbol, venue, price_scale, qty_scale, tuple(options or ()), rows
    )
    report = inspect_file.inspect(wish, Home(load().home).staging / "inspect")
    inspect_text.show(Console(), report)
    grave = any(
        finding.severity is Severity.ERROR and not finding.passed
        for table in report.tables for finding in table.findings
    )
    if grave or not report.format:
        raise typer.Exit(BAD)
