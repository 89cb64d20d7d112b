"""Lines of a text file that is no table, by their physical number."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from infra.errors import TickhouseError
from venues.files.block import shown
from venues.files.errors import FileCode

if TYPE_CHECKING:
    from venues.files.format import Opened

_LONGEST = 64 << 20  # no message is longer
_MARK = b"\xef\xbb\xbf"


def lines(file: Opened) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its end), blank ones left out; FILE_NOT_DATA for a file without a line."""
    content = io.BufferedReader(cast("io.RawIOBase", file.content), 1 << 20)
    number = 0
    try:
        while line := content.readline(_LONGEST):
            number += 1
            if len(line) == _LONGEST:
                raise TickhouseError(
                    FileCode.FILE_NOT_DATA, file=file.name, line=number, problem="no line ends", excerpt=shown(line)
                )
            if text := line.removeprefix(_MARK).strip():
                yield number, text
    finally:
        content.detach()
    if not number:
        raise TickhouseError(FileCode.FILE_NOT_DATA, file=file.name, problem="the file is empty", excerpt="")
