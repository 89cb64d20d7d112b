"""The archive on its disk or object store: a Parquet file and a manifest for each day of a table.

`<table>/<day>.parquet` holds every revision of the day in the order of the table's key, an instrument a row group;
`<table>/<day>.json`, written after it, its row count and hashes. A manifest that replaces another is written first and
names the old file too: a cut between the two leaves a whole day, the old or the new.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from store.content import content_hash
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archived day holds."""

    table: str
    day: date
    rows: int
    sha256: str              # of the file
    content: str             # of the rows, whatever wrote the file
    size: int                # bytes
    archived_at: str         # ISO time, UTC
    replaces: str = ""       # sha256 of the file that this one takes the place of

    @property
    def name(self) -> str:
        """Place of the day in the archive, without ending."""
        return f"{self.table}/{self.day}"


class ArchiveFiles:
    """Days of tables in a folder or at any fsspec URL."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        self._fs, root = url_to_fs(url)
        self.root: str = root.rstrip("/")
        self._is_local = "file" in self._fs.protocol

    def days(self, table: str = "") -> list[tuple[str, date]]:
        """Tables and days that have a manifest, in order."""
        found = sorted(self._fs.glob(posixpath.join(self.root, table or "*", "????-??-??.json")))
        parts = [path.split("/")[-2:] for path in found]
        return [(folder, date.fromisoformat(name.removesuffix(".json"))) for folder, name in parts]

    def manifest(self, table: str, day: date) -> Manifest | None:
        """What is archived of this day, None where nothing is."""
        return self._manifest(self._path(table, day, "json"))

    def verified(self, table: str, day: date) -> Manifest:
        """The day's manifest, after reading its file back; ARCHIVE_MISSING, ARCHIVE_BROKEN."""
        manifest = self.manifest(table, day)
        if manifest is None:
            raise TickhouseError(StoreCode.ARCHIVE_MISSING, table=table, day=day, archive=self.root)
        self.verify(manifest)
        return manifest

    def verify(self, manifest: Manifest) -> None:
        """ARCHIVE_BROKEN unless the file has the manifest's hash and its rows can be read back."""
        path = self._path(manifest.table, manifest.day, "parquet")
        try:
            found, rows = self._sha256(path), content_of(self.read(manifest))
        except FileNotFoundError as error:
            raise _broken(manifest, path, "the file is gone") from error
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise _broken(manifest, path, str(error)) from error
        if found not in {manifest.sha256, manifest.replaces}:
            raise _broken(manifest, path, f"hash is {found[:12]}, must be {manifest.sha256[:12]}")
        if found == manifest.sha256 and rows != (manifest.rows, manifest.content):
            raise _broken(manifest, path, f"rows are {rows[0]}, must be {manifest.rows}, or their values differ")

    def groups(self, manifest: Manifest) -> dict[int, int]:
        """Row group by instrument."""
        return {int(frame["instrument"][0]): i for i, frame in enumerate(self.read(manifest, columns=["instrument"]))}

    def read(
        self, manifest: Manifest, *, columns: list[str] | None = None, groups: Sequence[int] | None = None
    ) -> Iterator[pl.DataFrame]:
        """The day's rows, a row group at a time; `verify` before where they matter."""
        import pyarrow.parquet as pq

        with self._fs.open(self._path(manifest.table, manifest.day, "parquet"), "rb") as file:
            parquet = pq.ParquetFile(file)
            for group in range(parquet.num_row_groups) if groups is None else groups:
                frame = pl.from_arrow(parquet.read_row_group(group, columns=columns))
                assert isinstance(frame, pl.DataFrame)  # noqa: S101 - of a table, for the type checker
                yield frame

    def sha256(self, manifest: Manifest) -> str:
        """Hash of the file as it is there."""
        return self._sha256(self._path(manifest.table, manifest.day, "parquet"))

    def put(self, draft: Path, manifest: Manifest) -> None:
        """Makes the draft the archived day, and reads it back; ARCHIVE_BROKEN when it is not the same there."""
        path, about = (self._path(manifest.table, manifest.day, kind) for kind in ("parquet", "json"))
        self._fs.makedirs(posixpath.dirname(path), exist_ok=True)
        text = json.dumps(asdict(manifest) | {"day": manifest.day.isoformat()}, indent=1).encode()
        if manifest.replaces:
            self._replace(about, lambda target: self._fs.pipe_file(target, text))
        self._replace(path, lambda target: self._fs.put_file(str(draft), target))
        if not manifest.replaces:
            self._replace(about, lambda target: self._fs.pipe_file(target, text))
        if self._sha256(path) != manifest.sha256:
            raise _broken(manifest, path, "what arrived is not what was sent")

    def _replace(self, path: str, write: Callable[[str], object]) -> None:
        if not self._is_local:  # an object appears whole or not at all
            write(path)
            return
        write(path + ".tmp")
        self._fs.mv(path + ".tmp", path)

    def _manifest(self, path: str) -> Manifest | None:
        try:
            fields: dict[str, Any] = json.loads(self._fs.cat_file(path))
            return Manifest(**fields | {"day": date.fromisoformat(fields["day"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise TickhouseError(StoreCode.ARCHIVE_BROKEN, file=path, problem=error) from error

    def _path(self, table: str, day: date, kind: str) -> str:
        return posixpath.join(self.root, table, f"{day}.{kind}")

    def _sha256(self, path: str) -> str:
        with self._fs.open(path, "rb") as file:
            return sha256_of(file)


def sha256_of(file: Any) -> str:
    """Hash of an open binary file, hex."""
    digest = hashlib.sha256()
    while block := file.read(_CHUNK):
        digest.update(block)
    return digest.hexdigest()


def content_of(frames: Iterator[pl.DataFrame]) -> tuple[int, str]:
    """Number of rows, and hash of the hashes of the groups."""
    digest, rows = hashlib.sha256(), 0
    for frame in frames:
        rows += frame.height
        digest.update(content_hash(frame).encode())
    return rows, digest.hexdigest()


def _broken(manifest: Manifest, path: str, problem: str) -> TickhouseError:
    return TickhouseError(
        StoreCode.ARCHIVE_BROKEN, table=manifest.table, day=manifest.day, file=path, problem=problem
    )
