"""ClickHouse's own numbered errors, and the HTTP status that a server answers them with."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
UNKNOWN_SETTING = 115
SESSION_IS_LOCKED = 373
CANNOT_DECOMPRESS = 432
AUTHENTICATION_FAILED = 516
UNKNOWN_EXCEPTION = 1002

_STATUS = {
    **dict.fromkeys((6, 25, 26, 27, 36, 38, 41, 53, SYNTAX_ERROR, 72, 117, 427), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, UNKNOWN_SETTING), 404),
    194: 401,
    **dict.fromkeys((192, 193, 497, AUTHENTICATION_FAILED), 403),
    159: 408,
    223: 413,
    NOT_IMPLEMENTED: 501,
}
_CODE = re.compile(r"Code: (\d+)\. ")


class QueryError(Exception):
    """A refused query in ClickHouse's words: `Code: 60. DB::Exception: ...`."""

    def __init__(self, message: str, code: int | None = None) -> None:
        found = _CODE.search(message)
        self.code = code if code is not None else int(found[1]) if found else UNKNOWN_EXCEPTION
        text = message[found.start() :] if found else f"Code: {self.code}. DB::Exception: {message}"
        super().__init__(text.strip())

    @property
    def status(self) -> int:
        """The HTTP status a ClickHouse server gives this error."""
        return _STATUS.get(self.code, 500)

    def text(self, version: str) -> str:
        """The message with the version at its end, where clients look for it."""
        message = str(self)
        return message if "(version " in message[-40:] else f"{message} (version {version})"


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """What the engine raises becomes a QueryError; chDB raises RuntimeError and its own ChdbError."""
    from chdb import ChdbError

    try:
        yield
    except (RuntimeError, ChdbError) as error:
        raise QueryError(str(error)) from error
