"""Delimited text in batches: every cell as text, every row with its line, and no row lost, shifted or guessed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import polars as pl

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.format import BATCH, Opened

LINE = "line"
_BLOCK = 24 << 20   # bytes parsed at once
_LONGEST = 1 << 20  # a line longer than this is no row of a table
_EXCERPT = 160
_NUMBER = re.compile(r"[+-]?[0-9.]*[0-9][0-9.]*([eE][+-]?[0-9]+)?")
_BOM = b"\xef\xbb\xbf"


class Header(Enum):
    """Whether the first row names the columns."""

    NONE = "none"
    OPTIONAL = "optional"  # some files of the publisher have it
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a format's rows stand in the file.

    `columns`: the lists of columns that the publisher has used, newest first, in their order in the file. A header
    must be one of them, without regard to case; without a header the first list of the right length is taken.
    An empty tuple takes whatever names the header gives.
    """

    columns: tuple[tuple[str, ...], ...] = ()
    header: Header = Header.REQUIRED
    separator: str = ","
    banner: int = 0  # lines above header and rows


def rows(file: Opened, layout: Layout) -> Iterator[pl.DataFrame]:
    """Batches of text columns under the names of the layout, with `line` (physical, from 1).

    Blank lines and repeated headers are left out. FILE_NOT_DATA for a web page, an XML or JSON error, binary or
    nothing at all; FILE_HEADER_CHANGED with both lists; FILE_ROW_BAD with the line for a row of another width.
    """
    blocks = _blocks(file)
    first = next(blocks, b"").removeprefix(_BOM)
    _sniff(file.name, first)
    line, block = 1, first
    for _ in range(layout.banner):
        _, _, block = block.partition(b"\n")
        line += 1
    while block[:1] in {b"\n", b"\r"}:
        _, _, block = block.partition(b"\n")
        line += 1
    names, has_header = _columns(file.name, line, block.partition(b"\n")[0], layout)
    header = None
    if has_header:
        header, _, block = block.partition(b"\n")
        line += 1
    cells = _cells(header, layout.separator) if header is not None else list(names)
    while True:
        if block:
            height = block.count(b"\n")
            frame = _parse(file.name, block, height, line, names, layout.separator)
            if frame[names[0]].is_in([cells[0], names[0]]).any():
                same = (pl.col(name).is_in([cell, name]) for name, cell in zip(names, cells, strict=True))
                frame = frame.filter(~pl.all_horizontal(same))
            yield from frame.iter_slices(BATCH)
            line += height
        following = next(blocks, None)
        if following is None:
            return
        block = following


def _blocks(file: Opened) -> Iterator[bytes]:
    """Whole lines that end with a plain line feed."""
    rest = b""
    while chunk := file.content.read(_BLOCK):
        end = chunk.rfind(b"\n") + 1
        if not end:
            rest += chunk
            if len(rest) > _LONGEST:
                raise TickhouseError(
                    FileCode.FILE_NOT_DATA, file=file.name, problem="no line ends", excerpt=_shown(rest)
                )
            continue
        block = b"".join((rest, memoryview(chunk)[:end]))
        rest = chunk[end:]
        yield block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if rest:
        yield rest.removesuffix(b"\r") + b"\n"


def _sniff(file: str, start: bytes) -> None:
    head = start[:4096].lstrip()
    problem = ""
    if not head:
        problem = "the file is empty"
    elif head[:1] == b"<":
        problem = "a web page or XML"
    elif head[:1] in {b"{", b"["}:
        problem = "JSON"
    elif b"\0" in head:
        problem = "binary, or text that is not UTF-8"
    if problem:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file, problem=problem, excerpt=_shown(head))


def _columns(file: str, line: int, row: bytes, layout: Layout) -> tuple[tuple[str, ...], bool]:
    """Names of the columns, and whether `row` is the header that says so."""
    cells = _cells(row, layout.separator)
    lowered = [cell.lower() for cell in cells]
    if layout.header is not Header.NONE:
        if not layout.columns and not any(_is_number(cell) for cell in cells):
            if len(set(cells)) < len(cells):
                raise TickhouseError(
                    FileCode.FILE_HEADER_CHANGED, file=file, line=line, problem="a name stands twice",
                    found=_list(cells),
                )
            return tuple(cells), True
        for names in layout.columns:
            if [name.lower() for name in names] == lowered:
                return names, True
    known = " or ".join(_list(names) for names in layout.columns)
    if layout.header is Header.REQUIRED or not any(_is_number(cell) for cell in cells):
        if len(cells) == 1 and not any(len(names) == 1 for names in layout.columns):
            raise TickhouseError(
                FileCode.FILE_NOT_DATA, file=file, line=line, problem="not a table", excerpt=_shown(row)
            )
        raise TickhouseError(FileCode.FILE_HEADER_CHANGED, file=file, line=line, found=_list(cells), known=known)
    for names in layout.columns:
        if len(names) == len(cells):
            return names, False
    raise TickhouseError(
        FileCode.FILE_HEADER_CHANGED, file=file, line=line, problem=f"{len(cells)} columns", found=_list(cells),
        known=known,
    )


def _parse(
    file: str, block: bytes, height: int, line: int, names: tuple[str, ...], separator: str
) -> pl.DataFrame:
    blank: list[int] = []
    try:
        frame = pl.read_csv(
            io.BytesIO(block), has_header=False, separator=separator, schema=dict.fromkeys(names, pl.String),
            empty_string_is_null=False,
        )
        # Polars fills a short row in silence, and refuses a long one: the number of separators tells.
        separators = np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == ord(separator))
        whole = frame.height == height and separators == height * (len(names) - 1)
    except pl.exceptions.PolarsError as error:
        _check_rows(file, block, line, len(names), separator)
        problem = " ".join(str(error).split())[:_EXCERPT]
        raise TickhouseError(
            FileCode.FILE_ROW_BAD, file=file, line=f"{line}-{line + height - 1}", problem=problem
        ) from error
    if not whole:
        blank = _check_rows(file, block, line, len(names), separator)
        if frame.height != height:
            between = f"{line}-{line + height - 1}"
            raise TickhouseError(FileCode.FILE_ROW_BAD, file=file, line=between, problem="a cell holds a line break")
    frame = frame.with_columns(pl.int_range(line, line + height, dtype=pl.Int64).alias(LINE))
    return frame.filter(~pl.col(LINE).is_in(blank)) if blank else frame


def _check_rows(file: str, block: bytes, line: int, width: int, separator: str) -> list[int]:
    """The blank lines; FILE_ROW_BAD for the first line that has another width or cannot be text."""
    blank = []
    for number, raw in enumerate(block.removesuffix(b"\n").split(b"\n"), line):
        if not raw.strip():
            blank.append(number)
            continue
        try:
            found = len(_cells(raw, separator))
        except TickhouseError as error:
            raise TickhouseError(error.code, file=file, line=number, **error.context) from None
        if found != width:
            raise TickhouseError(
                FileCode.FILE_ROW_BAD, file=file, line=number, problem=f"{found} cells instead of {width}",
                row=_shown(raw),
            )
    return blank


def _cells(row: bytes, separator: str) -> list[str]:
    try:
        text = row.decode()
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise TickhouseError(FileCode.FILE_ROW_BAD, problem=str(error)[:_EXCERPT], row=_shown(row)) from None


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell.strip()))


def _list(cells: list[str] | tuple[str, ...]) -> str:
    return ",".join(cells)[:400]


def _shown(raw: bytes) -> str:
    return raw[:_EXCERPT].decode(errors="backslashreplace").replace("\n", "\\n")
