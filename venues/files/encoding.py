"""Text in any encoding as UTF-8, so that everything after it reads one."""

from __future__ import annotations

import codecs
import tempfile
from typing import IO, cast

from infra.errors import TickhouseError
from venues.errors import VenueCode
from venues.files.errors import FileCode
from venues.files.format import Opened

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BLOCK = 1 << 20
_IN_MEMORY = 32 << 20


def utf8(file: Opened, encoding: str = "") -> IO[bytes]:
    """The content in UTF-8 from its first byte: itself where it already is, otherwise a copy that spills to disk.

    A byte-order mark of UTF-16 says so by itself; any other encoding must be named. FILE_NOT_DATA where the bytes are
    not of that encoding, SOURCES_INVALID where there is none of that name.
    """
    start = file.content.tell()
    mark = _MARKS.get(file.content.read(2), "")
    file.content.seek(start)
    try:
        name = codecs.lookup(encoding or mark or "utf-8").name
        "".encode(name)  # refuses codecs that are no text
        decoder = codecs.getincrementaldecoder(name)("strict")
    except LookupError as error:
        raise TickhouseError(
            VenueCode.SOURCES_INVALID, file=file.name, key="options.encoding", problem=str(error)
        ) from error
    if name in {"utf-8", "ascii"}:
        return file.content
    out = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the reader closes it
    place = 0
    try:
        while block := file.content.read(_BLOCK):
            out.write(decoder.decode(block).encode())
            place += len(block)
        out.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as error:
        raise TickhouseError(
            FileCode.FILE_NOT_DATA, file=file.name, problem=f"not text in {name} near byte {place}", excerpt=str(error)
        ) from error
    out.seek(0)
    return out
