"""A coverage grid as a picture, drawn by matplotlib without a display."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assets.coverage_grid import Columns, Grid, Mark, Marks, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

# Told apart by colour-blind readers and in grey: what is whole is pale, what is not is strong.
COLOURS = {
    Mark.NOT_DUE: "#f1f3f5",
    Mark.VERIFIED_EMPTY: "#b9d9ee",
    Mark.COMPLETE: "#8fccb0",
    Mark.PARTIAL: "#e69f00",
    Mark.MISSING: "#d1382b",
    Mark.QUARANTINED: "#3b1053",
}
_INK, _QUIET = "#1d2330", "#5b6472"
_DPI = 100
_WIDTH = 12.0          # inches
_NAMES_AN_INCH = 1.6
_MOST_COLUMNS = 270    # five years of weeks
_SLICES = 7            # of a column that stands for several days
_LEAST = 2             # slices of a bad day: it must be seen
_FEWEST = 21           # columns that the width has room for: one day alone is not a metre wide


def draw(grid: Grid, width: float = _WIDTH, title: str = "") -> bytes:
    """PNG of the grid, a row an instrument; a column that stands for several days shows their shares, worst below.

    `width` in inches. Two rows or two hundred, some days or many years: rows get thinner, days become weeks or months.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    days = grid.marks.shape[1]
    groups = columns(grid.first, days, most=round(_MOST_COLUMNS * width / _WIDTH))
    height = _row_height(len(grid.rows))
    figure = Figure(figsize=(width, max(1, len(grid.rows)) * height + 1.25), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    cells, parts = _cells(grid.marks, groups)
    axes.imshow(_rgb(cells), aspect="auto", interpolation="nearest", extent=(0, cells.shape[1], len(grid.rows), 0))
    axes.set_xlim(0, max(_FEWEST, cells.shape[1]))
    _lines(axes, len(grid.rows), len(groups.starts), height)
    _row_names(axes, grid, height)
    _day_names(axes, grid.first, groups, most=round(width * _NAMES_AN_INCH))
    axes.set_title(title or _title(grid, groups), loc="left", fontsize=10, color=_INK)
    _legend(figure, grid, parts)
    target = io.BytesIO()
    figure.savefig(target, format="png", pil_kwargs={"optimize": True})
    return target.getvalue()


def _title(grid: Grid, groups: Columns) -> str:
    each = "" if groups.unit == "day" else f", a column a {groups.unit}"
    return f"{grid.name}: {grid.percent} whole of {grid.due:,} instrument days, {grid.first} to {grid.last}{each}"


def _row_height(rows: int) -> float:
    """Inches a row: thinner when there are many."""
    return 0.26 if rows <= 30 else 0.17 if rows <= 80 else 0.07


def _cells(marks: Marks, groups: Columns) -> tuple[Marks, int]:
    """The grid with each row cut into slices, and how many: one where a column is a day."""
    if groups.unit == "day" or not marks.size:
        return marks, 1
    ends = [*groups.starts[1:], marks.shape[1]]
    out = np.empty((marks.shape[0] * _SLICES, len(groups.starts)), np.uint8)
    for at, (start, end) in enumerate(zip(groups.starts, ends, strict=True)):
        # Sorted, the worst comes last, and a single bad day keeps its least height.
        ordered = np.sort(marks[:, start:end], axis=1)
        places = np.floor(np.linspace(0, ordered.shape[1], _SLICES, endpoint=False)).astype(np.int64)
        slices = ordered[:, places]
        slices[:, -_LEAST:] = np.maximum(slices[:, -_LEAST:], ordered[:, -1:] * (ordered[:, -1:] >= Mark.PARTIAL))
        out[:, at] = slices.ravel()
    return out, _SLICES


def _rgb(cells: Marks) -> NDArray[np.uint8]:
    palette = np.array([[int(COLOURS[mark][at : at + 2], 16) for at in (1, 3, 5)] for mark in Mark], np.uint8)
    return palette[cells]


def _lines(axes: Axes, rows: int, width: int, height: float) -> None:
    """White lines between the rows, and between the columns while these are wide enough."""
    axes.hlines(range(1, rows), 0, width, color="white", linewidth=1.4 if height > 0.1 else 0.5)
    if width <= 120:
        axes.vlines(range(1, width), 0, rows, color="white", linewidth=0.8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=_QUIET)


def _row_names(axes: Axes, grid: Grid, height: float) -> None:
    step = 1 if height > 0.1 else 3
    places = range(0, len(grid.rows), step)
    axes.set_yticks([at + 0.5 for at in places], [grid.rows[at].name for at in places],
                    fontsize=8 if height > 0.2 else 6.5)


def _day_names(axes: Axes, first: date, groups: Columns, most: int) -> None:
    """At most `most` names across the whole width, fewer where the columns do not fill it."""
    days = [first + timedelta(days=at) for at in groups.starts]
    names = _ticks(days)
    room = max(1, most * min(len(days), _FEWEST) // _FEWEST)
    names = names[:: -(-len(names) // room)]
    axes.set_xticks([at + 0.5 for at, _ in names], [name for _, name in names], fontsize=8)


def _ticks(days: Sequence[date]) -> list[tuple[int, str]]:
    """Places and names of at most about fifteen days: Mondays, firsts of months, or years where they are many."""
    span = (days[-1] - days[0]).days if days else 0
    if span <= 20:
        return [(at, f"{day:%d %b}") for at, day in enumerate(days)]
    if span <= 100:
        return [(at, f"{day:%d %b}") for at, day in enumerate(days) if day.weekday() == 0]
    months = 1 if span <= 460 else 3 if span <= 1400 else 6 if span <= 2800 else 12
    out: list[tuple[int, str]] = []
    seen = (0, 0)
    for at, day in enumerate(days):
        month = (day.year, (day.month - 1) // months)
        if at and month != seen:
            out.append((at, f"{day:%b %Y}" if months < 12 else f"{day:%Y}"))
        seen = month
    return out


def _legend(figure: Any, grid: Grid, parts: int) -> None:
    from matplotlib.patches import Patch

    counts = {mark: count for mark, count in grid.counts().items() if count}
    figure.legend(
        handles=[
            Patch(color=COLOURS[mark], label=f"{mark.label} {count:,}")
            for mark, count in sorted(counts.items(), key=lambda item: _ORDER.index(item[0]))
        ],
        loc="outside lower left", ncols=len(Mark), frameon=False, fontsize=8, labelcolor=_INK, handlelength=1.1,
        title="instrument days" + ("" if parts == 1 else "; heights are shares of a column, of a bad day 2/7 or more"),
        title_fontsize=8, alignment="left",
    )


_ORDER = (Mark.COMPLETE, Mark.VERIFIED_EMPTY, Mark.PARTIAL, Mark.MISSING, Mark.QUARANTINED, Mark.NOT_DUE)
