"""Coverage grids for a terminal: a character a day, or a week, month or year where that many days do not fit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from assets.coverage_grid import Columns, Grid, Hole, Mark, columns, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

# In colour, shape and letter: each alone tells the state.
_LOOKS = {
    Mark.COMPLETE: ("█", ".", "#4fae84"),
    Mark.VERIFIED_EMPTY: ("▒", "e", "#7db8de"),
    Mark.PARTIAL: ("▄", "p", "#e69f00"),
    Mark.MISSING: ("✗", "M", "bold #ff5a4d"),
    Mark.QUARANTINED: ("Q", "Q", "bold white on #6a1f8a"),
    Mark.NOT_DUE: ("·", " ", "dim"),
}
_LEAST_COLUMNS = 12


def show(console: Console, grids: Sequence[Grid], holes: Sequence[Sequence[tuple[Hole, str]]], most: int) -> None:
    """Prints each grid with its counts and first `most` holes, then the legend; letters where there is no colour."""
    if not grids:
        console.print("nothing is ingested yet: materialise a dataset in the Dagster UI (docs/history.md)")
        return
    for grid, found in zip(grids, holes, strict=True):
        for line in _grid(grid, console.width, _coloured(console)):
            console.print(line, no_wrap=True, overflow="crop")
        for line in _below(grid, found, most):
            console.print(line, overflow="fold")
        console.print()
    console.print(_legend({mark for grid in grids for mark, count in grid.counts().items() if count},
                          _coloured(console)))


def _coloured(console: Console) -> bool:
    return console.is_terminal and console.color_system is not None


def _grid(grid: Grid, width: int, coloured: bool) -> list[Text]:
    """Title, scale and rows; names are cut in the middle where the terminal is narrow."""
    longest = max((len(row.name) for row in grid.rows), default=0)
    label = max(4, min(longest, 28, width - _LEAST_COLUMNS - 1))
    groups = columns(grid.first, grid.marks.shape[1], most=max(_LEAST_COLUMNS, width - label - 1))
    title = Text(grid.name, style="bold")
    title.append(f"  {grid.first} to {grid.last}, a character a {groups.unit}", style="not bold")
    lines = [title, Text(" " * (label + 1) + _scale(grid.first, groups), style="dim")]
    for row, marks in zip(grid.rows, worst(grid.marks, groups.starts), strict=True):
        line = Text(f"{_short(row.name, label):<{label}} ")
        for value in marks:
            shape, letter, style = _LOOKS[Mark(int(value))]
            line.append(shape if coloured else letter, style=style if coloured else "")
        lines.append(line)
    return lines


def _scale(first: date, groups: Columns) -> str:
    """Names of months, or of years where a column is longer than a day, where they begin and have room."""
    pattern = "%b %Y" if groups.unit in ("day", "week") else "%Y"
    names = [(first + timedelta(days=start)).strftime(pattern) for start in groups.starts]
    begins = [at for at, name in enumerate(names) if at == 0 or name != names[at - 1]]
    if len(begins) > 1 and begins[1] <= len(names[0]):
        del begins[0]  # the rest of a month must not take the place of the next one's name
    out, free = [" "] * len(names), 0
    for at in begins:
        end = at + len(names[at])
        if at >= free and end <= len(out):
            out[at:end] = names[at]
            free = end + 1
    return "".join(out).rstrip()


def _below(grid: Grid, holes: Sequence[tuple[Hole, str]], most: int) -> list[Text]:
    found = grid.counts()
    counts = ", ".join(f"{found[mark]:,} {mark.label}" for mark in _LOOKS if found[mark])
    lines = [Text(f"{grid.percent} whole of {grid.due:,} instrument days: {counts}")]
    for hole, why in holes[:most]:
        span = f"{hole.first}" if hole.days == 1 else f"{hole.first} to {hole.last}, {hole.days} days"
        lines.append(Text(f"  {hole.row.name}  {hole.mark.label} {span}" + (f": {why}" if why else "")))
    if len(holes) > most:
        lines.append(Text(f"  and {len(holes) - most:,} more holes; --holes and --json list them" if most else
                          f"  {len(holes):,} holes; --json lists them"))
    if grid.never:
        names = ", ".join(grid.never[:8]) + (f" and {len(grid.never) - 8} more" if len(grid.never) > 8 else "")
        lines.append(Text(f"  never asked for: {names}"))
    return lines


def _legend(marks: set[Mark], coloured: bool) -> Text:
    line = Text()
    for mark, (shape, letter, style) in _LOOKS.items():
        if mark in marks:
            line.append(shape if coloured else letter.replace(" ", "' '"), style=style if coloured else "")
            line.append(f" {mark.label}   ")
    return line


def _short(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head):]}"
