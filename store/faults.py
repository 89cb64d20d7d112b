"""What the ClickHouse driver raises, as errors with a next step."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from infra.errors import TickhouseError
from store.errors import StoreCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

_CODE = re.compile(r"\b[Cc]ode:? (\d+)")
_BY_NUMBER = {241: StoreCode.STORE_MEMORY, 243: StoreCode.STORE_FULL, 252: StoreCode.STORE_BUSY}
# The operating system's own words, which ClickHouse passes on under several numbers.
_FULL = ("No space left on device", "Disk quota exceeded")


@contextlib.contextmanager
def told(client: Client, what: str) -> Iterator[None]:
    """`what` (a table, a query's purpose) under our codes.

    CLICKHOUSE_LOST when nobody answers any more, STORE_FULL when its disk is full, STORE_BUSY when it cannot merge so
    fast, STORE_MEMORY when the query needs more memory than it may. Errors of the query itself pass as they are.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except DatabaseError as error:
        text = str(error)
        number = _CODE.search(text)
        code = _BY_NUMBER.get(int(number[1])) if number else None
        if any(words in text for words in _FULL):
            code = StoreCode.STORE_FULL
        # The driver's word for a cut connection; an answer of the server's carries a number.
        if code is None and number is None and isinstance(error, OperationalError):
            code = StoreCode.CLICKHOUSE_LOST
        if code is None:
            raise
        raise TickhouseError(code, what=what, database=client.database, problem=_short(error)) from error
    except (HTTPError, ConnectionError, TimeoutError) as error:  # cut in the middle of an answer
        raise TickhouseError(
            StoreCode.CLICKHOUSE_LOST, what=what, database=client.database, problem=_short(error)
        ) from error


def _short(error: BaseException) -> str:
    """The innermost cause in one line, without the driver's long address."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200]
