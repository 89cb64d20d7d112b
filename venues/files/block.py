"""A block of whole lines as a frame: fast where every row is plain, row by row where one is not."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from infra.errors import TickhouseError
from venues.files.errors import FileCode

LINE = "line"
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Grid:
    """What every block of a file has in common."""

    file: str
    names: tuple[str, ...]       # of all columns, in the order of the file
    separator: str
    wanted: tuple[str, ...]      # columns to give
    whole: frozenset[str]        # of these: those that are read as int64 where every cell of the block is one


def parse(grid: Grid, block: bytes, height: int, line: int) -> pl.DataFrame:
    """The wanted columns, text or int64, and `line`. `block` is `height` lines, the first of them line `line`.

    Blank lines are left out. FILE_ROW_BAD for the first line of another width, or that is not UTF-8, or has a broken
    quote.
    """
    blank: list[int] = []
    frame = _quickly(grid, block, height)
    if frame is None:
        blank = check_rows(grid, block, line)
        frame = _as_text(grid, block, height, line)
    frame = frame.select(*grid.wanted, pl.int_range(line, line + height, dtype=pl.Int64).alias(LINE))
    return frame.filter(~pl.col(LINE).is_in(blank)) if blank else frame


def check_rows(grid: Grid, block: bytes, line: int) -> list[int]:
    """Numbers of the blank lines; FILE_ROW_BAD for the first line that is no row of this width."""
    blank = []
    for number, raw in enumerate(block.removesuffix(b"\n").split(b"\n"), line):
        if not raw.strip():
            blank.append(number)
            continue
        found = len(cells(raw, grid.separator, grid.file, number))
        if found != len(grid.names):
            raise TickhouseError(
                FileCode.FILE_ROW_BAD, file=grid.file, line=number,
                problem=f"{found} cells instead of {len(grid.names)}", row=shown(raw),
            )
    return blank


def cells(row: bytes, separator: str, file: str, line: int) -> list[str]:
    """The cells of one line; FILE_ROW_BAD for a broken one."""
    try:
        return next(csv.reader([row.decode()], delimiter=separator, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        problem = str(error)[:EXCERPT]
        raise TickhouseError(FileCode.FILE_ROW_BAD, file=file, line=line, problem=problem, row=shown(row)) from None


def shown(raw: bytes) -> str:
    """The beginning of some bytes, for people."""
    return raw[:EXCERPT].decode(errors="backslashreplace").replace("\n", "\\n")


def _quickly(grid: Grid, block: bytes, height: int) -> pl.DataFrame | None:
    """The frame, or None where a row may be of another width or a cell of another kind."""
    schema: dict[str, pl.DataType] = {name: pl.Int64() if name in grid.whole else pl.String() for name in grid.names}
    last = grid.names[-1]
    try:
        frame = _scan(grid, block, schema).select({*grid.wanted, last}).collect()
    except pl.exceptions.PolarsError:
        return None
    if frame.height != height or any(frame[name].null_count() for name in grid.whole & set(frame.columns)):
        return None
    # Polars fills short rows and cuts long ones in silence; a short one has nothing in the last column.
    bytes_ = np.frombuffer(block, dtype=np.uint8)
    separators = bytes_ == ord(grid.separator)
    if np.count_nonzero(separators) != height * (len(grid.names) - 1):
        return None
    if frame.schema[last] == pl.String and (frame[last] == "").any():
        starts = np.concatenate(([0], np.flatnonzero(bytes_ == ord("\n"))[:-1] + 1))
        widths = np.add.reduceat(separators, starts, dtype=np.int64)
        if b'"' in block or np.any(widths != len(grid.names) - 1):
            return None
    return frame


def _as_text(grid: Grid, block: bytes, height: int, line: int) -> pl.DataFrame:
    between = f"{line}-{line + height - 1}"
    try:
        frame = _scan(grid, block, dict.fromkeys(grid.names, pl.String())).collect()
    except pl.exceptions.PolarsError as error:
        problem = " ".join(str(error).split())[:EXCERPT]
        raise TickhouseError(FileCode.FILE_ROW_BAD, file=grid.file, line=between, problem=problem) from error
    if frame.height != height:
        raise TickhouseError(FileCode.FILE_ROW_BAD, file=grid.file, line=between, problem="a cell holds a line break")
    return frame


def _scan(grid: Grid, block: bytes, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    return pl.scan_csv(
        io.BytesIO(block), has_header=False, separator=grid.separator, schema=dict(schema), empty_string_is_null=False
    )
