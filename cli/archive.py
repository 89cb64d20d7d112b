"""`tickhouse archive`: days of tables as Parquet, beyond their retention."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import date

app = typer.Typer(help="Days of tables as Parquet, kept beyond their retention.", no_args_is_help=True)

_Table = Annotated[str, typer.Argument(help="table, e.g. trades")]
_Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="UTC day of the rows")]


@app.callback()
def main() -> None:
    """Days of tables as Parquet, kept beyond their retention."""


@app.command("list")
def list_(table: Annotated[str, typer.Argument(help="only this table")] = "") -> None:
    """Print what is archived: table, day, rows, bytes, when."""
    from infra.settings import load
    from store import archive

    target = archive.files(load())
    found = target.days(table)
    for name, day in found:
        manifest = target.manifest(name, day)
        if manifest is not None:
            print(
                f"{name:16} {day}  {manifest.rows:>12,} rows  {manifest.size:>14,} bytes"
                f"  {manifest.archived_at[:19]}  {manifest.sha256[:12]}"
            )
    if not found:
        print(f"nothing is archived in {target.root}")


@app.command()
def day(table: _Table, day: _Day) -> None:
    """Archive a day of a table now, whether it is about to age out or not."""
    from infra.settings import load
    from store import archive, clickhouse

    settings = load()
    client = clickhouse.connect(settings)
    try:
        manifest = archive.store(client, archive.files(settings), table, _date(day))
    finally:
        client.close()
    if manifest is None:
        print(f"{table} has no row of {_date(day)}")
        raise typer.Exit(1)
    print(f"archived {manifest.name}: {manifest.rows:,} rows, {manifest.size:,} bytes, sha256 {manifest.sha256}")


@app.command()
def restore(table: _Table, day: _Day) -> None:
    """Bring an archived day back into its table, with all its revisions; retention counts anew for it."""
    from infra.settings import load
    from store import ageing, archive, clickhouse

    settings = load()
    client = clickhouse.connect(settings)
    try:
        back = ageing.bring_back(client, archive.files(settings), table, _date(day), settings.archive.lead_days)
    finally:
        client.close()
    print(f"restored {back:,} rows of {table}/{_date(day)}" if back else f"{table}/{_date(day)} was all there")


@app.command()
def verify(table: Annotated[str, typer.Argument(help="only this table")] = "") -> None:
    """Read every archived day back and compare its hashes; exit code 1 when one is broken."""
    from infra.errors import TickhouseError
    from infra.settings import load
    from store import archive

    target, broken = archive.files(load()), 0
    found = target.days(table)
    for name, day in found:
        try:
            target.verified(name, day)
        except TickhouseError as error:
            broken += 1
            print(error)
    print(f"{len(found) - broken} of {len(found)} archived days are whole")
    raise typer.Exit(1 if broken else 0)


def _date(moment: datetime) -> date:
    return moment.date()
