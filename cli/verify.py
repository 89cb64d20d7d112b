"""`tickhouse verify`: prove that what is on disk is whole."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Prove that what is on disk is whole.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Prove that what is on disk is whole."""


@app.command()
def journal(account: Annotated[str, typer.Option(help="whose journal; by default the live account's")] = "") -> None:
    """Check every record of an account's order journals and name the first bad one; exit code 1 when there is one."""
    from execution.journal import verify
    from infra.home import Home
    from infra.settings import load

    settings = load()
    root = Home(settings.home).journal(account or settings.live.account)
    folders = sorted({file.parent for file in root.rglob("*.journal")})
    if not folders:
        print(f"no journal in {root}: nothing was ever ordered for this account")
        raise typer.Exit(1)
    intact = True
    for folder in folders:
        verdict = verify(folder)
        intact = intact and verdict.intact
        if verdict.intact:
            torn = f", {verdict.torn_bytes} bytes of an unfinished record at the end" if verdict.torn_bytes else ""
            print(f"{folder}: {verdict.records} records, chain whole, last hash {verdict.last_hash}{torn}")
        else:
            bad = f"BAD at record {verdict.broken_seq}: {verdict.problem}"
            print(f"{folder}: {bad}; the {verdict.records} before it are good")
    raise typer.Exit(0 if intact else 1)
