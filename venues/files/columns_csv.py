"""`columns_csv`: any delimited text, by a column map in the options.

Beside the map: `delimiter` (","), `encoding` ("utf-8"; UTF-16 with its mark is found), `banner` (lines above the
header, 0), `header` (true; false: the columns are "1", "2", ...).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from infra.errors import TickhouseError
from venues.files import column_map, encoding, table, telling
from venues.files.errors import FileCode
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped

_OWN = ("delimiter", "encoding", "banner", "header")


class ColumnsCsv:
    """Text whose columns the options name."""

    name = "columns_csv"
    datasets = tuple(column_map.NEEDED)

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows; SOURCES_INVALID for a wrong option, FILE_* for a wrong file."""
        columns = column_map.of(file.options, file.name, *_OWN)
        text = replace(file, content=encoding.utf8(file, str(file.options.get("encoding", ""))))
        mapped = Mapped(text, columns)
        for batch in table.rows(text, _layout(text)):
            yield from mapped.parts(batch)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The lines at these places."""
        return telling.of_text(file, lines, str(file.options.get("encoding", "")))


def _layout(file: Opened) -> table.Layout:
    separator = str(file.options.get("delimiter", ","))
    banner = int(file.options.get("banner", 0))
    _has_rows(file, banner)
    if file.options.get("header", True):
        return table.Layout(separator=separator, banner=banner)
    start = file.content.tell()
    for _ in range(banner):
        file.content.readline()
    width = file.content.readline().count(separator.encode()) + 1
    file.content.seek(start)
    names = tuple(str(place) for place in range(1, width + 1))
    if width == 1:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem=f'no "{separator}" in the first row')
    return table.Layout((names,), table.Header.NONE, separator, banner)


def _has_rows(file: Opened, banner: int) -> None:
    """FILE_NOT_DATA where the lines above the header are all that there is."""
    start = file.content.tell()
    lines = [file.content.readline() for _ in range(banner + 1)]
    file.content.seek(start)
    if banner and not lines[-1].endswith(b"\n"):
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem=f"no rows below {banner} lines of banner")


FORMAT = ColumnsCsv()
