"""What a publisher says that a file's bytes hash to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from infra.errors import TickhouseError
from venues.files.errors import FileCode

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_LINE = re.compile(r"^\\?([0-9a-fA-F]{32,128})(?:\s+\*?(.*))?$")
_LARGEST = 1 << 20


def said(checksums: Path, file: str) -> str:
    """The hash that the checksum file gives for `file` (an address), lower case.

    Lines are `<hash>  <name>`, as sha256sum writes them; a single hash is for any name. FILE_CHECKSUM_WRONG where the
    content is something else.
    """
    with checksums.open("rb") as content:
        text = content.read(_LARGEST).decode(errors="replace")
    name = PurePosixPath(file.split("?", maxsplit=1)[0]).name
    found = [match for line in text.splitlines() if (match := _LINE.match(line.strip()))]
    for match in found:
        given = PurePosixPath((match[2] or "").strip()).name
        if len(match[1]) in _ALGORITHMS and (given == name or (not given and len(found) == 1)):
            return match[1].lower()
    shown = text[:120].replace("\n", "\\n")
    raise TickhouseError(
        FileCode.FILE_CHECKSUM_WRONG, file=file, problem="the checksum file does not name it", excerpt=shown
    )


def of(path: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def of_text(text: str) -> str:
    """Hash of a text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def check(path: Path, wanted: str, file: str) -> None:
    """FILE_CHECKSUM_WRONG unless the bytes hash to `wanted`; its length tells the algorithm."""
    found = of(path, _ALGORITHMS[len(wanted)])
    if found != wanted:
        raise TickhouseError(FileCode.FILE_CHECKSUM_WRONG, file=file, published=wanted, found=found)
