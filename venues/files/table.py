"""Delimited text in batches: every cell as text, every row with its line, and no row lost, shifted or guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import polars as pl

from infra.errors import TickhouseError
from venues.files.block import LINE, Grid, cells, parse, shown
from venues.files.errors import FileCode
from venues.files.format import BATCH, Opened

__all__ = ["LINE", "Header", "Layout", "rows"]

_BLOCK = 24 << 20   # bytes parsed at once
_LONGEST = 1 << 20  # a line longer than this is no row of a table
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
    may_be_empty: bool = False  # a file without a byte says that nothing happened
    wanted: frozenset[str] = frozenset()  # columns that are given; none named: all
    whole: frozenset[str] = frozenset()   # columns that are given as int64 where all of a batch are whole numbers


def rows(file: Opened, layout: Layout) -> Iterator[pl.DataFrame]:
    """Batches of text columns under the names of the layout, with `line` (physical, from 1).

    Blank lines and repeated headers are left out. FILE_NOT_DATA for a web page, an XML or JSON error, binary or
    nothing at all; FILE_HEADER_CHANGED with both lists; FILE_ROW_BAD with the line for a row of another width.
    """
    blocks = _blocks(file)
    first = next(blocks, b"").removeprefix(_BOM)
    if not first and layout.may_be_empty:
        return
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
    titles = cells(header, layout.separator, file=file.name, line=line) if header is not None else list(names)
    wanted = tuple(name for name in names if name in layout.wanted or not layout.wanted)
    grid = Grid(file.name, names, layout.separator, wanted, layout.whole & set(names))
    while True:
        if block:
            height = block.count(b"\n")
            frame = parse(grid, block, height, line)
            if _may_repeat(frame, grid, titles):
                both = zip(names, titles, strict=True)
                same = (pl.col(name).is_in([title, name]) for name, title in both if name in wanted)
                frame = frame.filter(~pl.all_horizontal(same))
            yield from frame.iter_slices(BATCH)
            line += height
        following = next(blocks, None)
        if following is None:
            return
        block = following


def _may_repeat(frame: pl.DataFrame, grid: Grid, titles: Sequence[str]) -> bool:
    """Whether the header may stand among the rows, as it does where a publisher joined files."""
    name = grid.wanted[0]
    title = titles[grid.names.index(name)]
    return frame.schema[name] == pl.String and bool(frame[name].is_in([title, name]).any())


def _blocks(file: Opened) -> Iterator[bytes]:
    """Whole lines that end with a plain line feed."""
    rest = b""
    while chunk := file.content.read(_BLOCK):
        end = chunk.rfind(b"\n") + 1
        if not end:
            rest += chunk
            if len(rest) > _LONGEST:
                raise TickhouseError(
                    FileCode.FILE_NOT_DATA, file=file.name, problem="no line ends", excerpt=shown(rest)
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
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file, problem=problem, excerpt=shown(head))


def _columns(file: str, line: int, row: bytes, layout: Layout) -> tuple[tuple[str, ...], bool]:
    """Names of the columns, and whether `row` is the header that says so."""
    found = cells(row, layout.separator, file=file, line=line)
    lowered = [cell.lower() for cell in found]
    if layout.header is not Header.NONE:
        if not layout.columns and not any(_is_number(cell) for cell in found):
            if len(set(found)) < len(found):
                raise TickhouseError(
                    FileCode.FILE_HEADER_CHANGED, file=file, line=line, problem="a name stands twice",
                    found=_list(found),
                )
            return tuple(found), True
        for names in layout.columns:
            if [name.lower() for name in names] == lowered:
                return names, True
    known = " or ".join(_list(names) for names in layout.columns)
    if layout.header is Header.REQUIRED or not any(_is_number(cell) for cell in found):
        if len(found) == 1 and not any(len(names) == 1 for names in layout.columns):
            raise TickhouseError(
                FileCode.FILE_NOT_DATA, file=file, line=line, problem="not a table", excerpt=shown(row)
            )
        raise TickhouseError(FileCode.FILE_HEADER_CHANGED, file=file, line=line, found=_list(found), known=known)
    for names in layout.columns:
        if len(names) == len(found):
            return names, False
    raise TickhouseError(
        FileCode.FILE_HEADER_CHANGED, file=file, line=line, problem=f"{len(found)} columns", found=_list(found),
        known=known,
    )


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell.strip()))


def _list(cells: list[str] | tuple[str, ...]) -> str:
    return ",".join(cells)[:400]
