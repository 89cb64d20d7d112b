"""Files of any place that fsspec reaches, brought to this machine whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import time
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from infra.errors import TickhouseError
from venues.files import checksum
from venues.files.errors import FileCode
from venues.request import Patience

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_AGAIN = frozenset({408, 418, 425, 429, 500, 502, 503, 504})
_TAGS = ("ETag", "etag", "Content-MD5", "md5", "Digest", "Last-Modified", "LastModified", "mtime", "updated")
_KEPT_BYTES = 512 << 20  # downloads that a source keeps, because several datasets and days may be in one file
_STALE_S = 2 * 86_400    # left behind by a process that was killed
_CONNECT_S, _SILENCE_S = 30.0, 60.0


class Downloads:
    """The files of one source. Local ones are used where they are; others are kept in `staging` until `close`, or
    until nobody holds this object.

    `options` are fsspec's for this kind of address.
    """

    def __init__(self, staging: Callable[[], Path], options: Mapping[str, Any], patience: Patience) -> None:
        self._staging = staging
        self._options = dict(options)
        self._patience = patience
        self._kept: OrderedDict[str, Path] = OrderedDict()
        self._mark = uuid.uuid4().hex[:12]  # no other run, process or thread has the same
        weakref.finalize(self, _remove, self._kept)
        self._silent: dict[str, float] = {}  # place -> when it last did not answer, monotonic
        self._hashes: dict[tuple[str, int, int], str] = {}

    def tag(self, url: str) -> str | None:
        """What changes when the file does: its hash here, its ETag and size elsewhere; "" where the place does not
        tell, None where there is no such file.

        FILE_UNREACHABLE, at once where the same place did not answer a moment ago: years of days are asked about one
        by one, and each would cost the whole patience.
        """
        fs, path = self._place(url)
        since = time.monotonic() - self._silent.get(urlsplit(url).netloc, -_SILENCE_S)
        if since < _SILENCE_S:
            raise TickhouseError(FileCode.FILE_UNREACHABLE, file=url, problem=f"its place was silent {since:.0f} s ago")
        if _is_local(fs):
            return self._hash(Path(path)) if Path(path).is_file() else None
        info = self._ask(url, lambda: fs.info(path))
        if info is None:
            return None
        tags = [f"{name}={info[name]}" for name in _TAGS if info.get(name)]
        return " ".join([*tags, f"size={info.get('size')}"]) if tags else ""

    def get(self, url: str, wanted: str = "") -> Path | None:
        """Path of the file on this machine; None where there is none. `wanted` is the hash it must have.

        FILE_UNREACHABLE, FILE_REFUSED, FILE_CHECKSUM_WRONG, FILE_DISK_FULL: then nothing of it is left.
        """
        fs, path = self._place(url)
        if _is_local(fs):
            if not Path(path).is_file():
                return None
            if wanted:
                checksum.check(Path(path), wanted, url)
            return Path(path)
        if (kept := self._kept.get(url)) and kept.is_file():
            self._kept.move_to_end(url)
            return kept
        target = self._target(url)
        part = target.with_name(f"{target.name}.part")
        try:
            if self._ask(url, lambda: (fs.get_file(path, str(part)), True)) is None:
                return None
            if wanted:
                checksum.check(part, wanted, url)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        self._keep(url, target)
        return target

    def forget(self, url: str) -> None:
        """The file is asked for anew when it is next needed."""
        if kept := self._kept.pop(url, None):
            kept.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes what was downloaded."""
        for url in list(self._kept):
            self.forget(url)

    def _place(self, url: str) -> tuple[Any, str]:
        import fsspec  # type: ignore[import-untyped]

        options = dict(self._options)
        if url.startswith(("http://", "https://")):
            options = _patient(options)
        try:
            fs, path = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise TickhouseError(FileCode.FILE_STORAGE_UNKNOWN, file=url, problem=error) from error
        return fs, str(path)

    def _hash(self, path: Path) -> str:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = checksum.of(path)
        return self._hashes[key]

    def _target(self, url: str) -> Path:
        folder = self._staging()
        folder.mkdir(parents=True, exist_ok=True)
        old = time.time() - _STALE_S
        for left in folder.iterdir():
            with suppress(FileNotFoundError):  # another process clears up too
                if left.stat().st_mtime < old:
                    left.unlink()
        name = PurePosixPath(url.split("?", maxsplit=1)[0]).name[-80:]
        # One source, one copy: two backfills of one day do not take each other's file away.
        return folder / f"{self._mark}-{hashlib.sha256(url.encode()).hexdigest()[:16]}-{name}"

    def _keep(self, url: str, path: Path) -> None:
        self._kept[url] = path
        size = sum(kept.stat().st_size for kept in self._kept.values() if kept.is_file())
        while size > _KEPT_BYTES and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            size -= self._kept[oldest].stat().st_size
            self.forget(oldest)

    def _ask(self, url: str, call: Callable[[], T]) -> T | None:
        """What `call` returns, tried again where that can help; None where there is no such file."""
        import tenacity

        first, longest = self._patience.first_wait_s, self._patience.longest_wait_s
        doubling = tenacity.wait_exponential_jitter(multiplier=first, max=longest, jitter=first)

        def wait(state: tenacity.RetryCallState) -> float:
            answer = _answer(state.outcome.exception() if state.outcome else None)
            return min(longest, max(answer.retry_after_s, doubling(state)))

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._patience.attempts), wait=wait,
            retry=tenacity.retry_if_exception(lambda error: _answer(error).again), reraise=True,
        )
        try:
            return retrying(call)
        except _errors() as error:
            answer = _answer(error)
            if answer.absent:
                return None
            code = FileCode.FILE_UNREACHABLE if answer.again else FileCode.FILE_REFUSED
            if isinstance(error, OSError) and error.errno in _FULL:
                code = FileCode.FILE_DISK_FULL
            if code is FileCode.FILE_UNREACHABLE:
                self._silent[urlsplit(url).netloc] = time.monotonic()
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise TickhouseError(code, file=url, problem=problem) from error


@dataclass(frozen=True, slots=True)
class _Answer:
    again: bool                  # whether trying again can help
    absent: bool = False         # there is no such file
    retry_after_s: float = 0.0


def _answer(error: BaseException | None) -> _Answer:
    """What a failure means. fsspec hides an HTTP status behind FileNotFoundError where it asks for a file's facts."""
    import aiohttp

    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, aiohttp.ClientError):
        error = error.__cause__
    if isinstance(error, aiohttp.ClientResponseError):
        told = str(error.headers.get("Retry-After", "")) if error.headers else ""
        return _Answer(error.status in _AGAIN, error.status in {404, 410}, _seconds(told))
    if isinstance(error, FileNotFoundError):
        return _Answer(again=False, absent=True)
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno in _FULL):
        return _Answer(again=False)
    return _Answer(isinstance(error, _errors()) and not isinstance(error, aiohttp.InvalidURL))


def _seconds(retry_after: str) -> float:
    """What the header says, as seconds or as a date; 0 where it says nothing."""
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return 0.0


def _errors() -> tuple[type[Exception], ...]:
    import aiohttp

    return (OSError, aiohttp.ClientError, TimeoutError)  # what fsspec's file systems fail with


def _remove(kept: dict[str, Path]) -> None:
    """At the end of the source's life, if nobody closed it."""
    for path in kept.values():
        with suppress(OSError):
            path.unlink()


def _is_local(fs: Any) -> bool:
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    return isinstance(fs, LocalFileSystem)


def _patient(options: dict[str, Any]) -> dict[str, Any]:
    """A limit on silence, not on the whole download as aiohttp would set it; packed content stays as published."""
    import aiohttp

    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
    client = {"timeout": limits, "auto_decompress": False} | options.get("client_kwargs", {})
    headers = {"Accept-Encoding": "identity"} | options.get("headers", {})
    return options | {"client_kwargs": client, "headers": headers}
