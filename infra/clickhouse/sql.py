"""Just enough SQL to route a request: the first keyword, where inline data begins, what is not allowed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from infra.clickhouse.faults import NOT_IMPLEMENTED, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    rb"(?P<skip>\s+|--[^\n]*|/\*.*?\*/|#[ !][^\n]*)"
    rb"|(?P<string>'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
    rb"|(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<other>.)",
    re.DOTALL,
)
# chDB is a client too: these would touch the server's local files.
_CLIENT_SIDE = re.compile(rb"\b(?:INTO\s+OUTFILE|FROM\s+INFILE)\b", re.IGNORECASE)
# chDB cannot start them, and cannot reopen a folder in which one was ever created.
_BROKERS = re.compile(rb"\bENGINE\s*=?\s*(?:Kafka|RabbitMQ|NATS|S3Queue|AzureQueue)\b", re.IGNORECASE)
_DATA_START = re.compile(rb"[ \t\f]*\r?\n?")
_FORMAT_TAIL = re.compile(rb"\bFORMAT\s+([A-Za-z]\w*)\s*(?:SETTINGS\b[^;]*)?;?\s*$", re.IGNORECASE)
_ROWS = {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "KILL", "(", "VALUES"}
_HEAD = 65536  # bytes in which a keyword must appear


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its place; comments and blanks are left out."""

    kind: str
    text: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class InlineInsert:
    """`INSERT INTO t (a) FORMAT X <data>`, cut where the data begin."""

    head: str
    format: str
    data_start: int


def tokens(sql: bytes) -> Iterator[Token]:
    """Tokens in order."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "skip":
            yield Token(match.lastgroup or "other", match[0], match.start(), match.end())


def first_keyword(sql: bytes) -> str:
    """First token in upper case, "" for an empty text."""
    return next((token.text.decode(errors="replace").upper() for token in tokens(sql[:_HEAD])), "")


def returns_rows(sql: bytes) -> bool:
    """Whether the statement answers with rows."""
    return first_keyword(sql) in _ROWS


def named_format(sql: bytes) -> str | None:
    """The format that the statement itself asks for at its end."""
    match = _FORMAT_TAIL.search(sql)
    return match[1].decode() if match else None


def split_insert(sql: bytes) -> InlineInsert | None:
    """Where an insert's inline data begin; None for anything else, `INSERT ... SELECT` included."""
    stream, depth = tokens(sql), 0
    first = next(stream, None)
    if first is None or first.text.upper() != b"INSERT":
        return None
    for token in stream:
        depth += {b"(": 1, b")": -1}.get(token.text, 0)
        if token.kind != "word" or depth:
            continue
        word = token.text.upper()
        if word in (b"SELECT", b"WITH", b"WATCH", b"INFILE"):
            return None
        if word == b"VALUES":
            return InlineInsert(sql[: token.start].decode(), "Values", token.end)
        if word == b"FORMAT" and (name := next(stream, None)) is not None:
            data = _DATA_START.match(sql, name.end)
            return InlineInsert(sql[: token.start].decode(), name.text.decode(), data.end() if data else name.end)
    return None


def refuse_forbidden(sql: bytes) -> None:
    """Raises for statements that would touch local files or make the data folder unopenable."""
    if _CLIENT_SIDE.search(sql) and any(
        token.kind == "word" and token.text.upper() in (b"OUTFILE", b"INFILE") for token in tokens(sql)
    ):
        raise QueryError("INTO OUTFILE and FROM INFILE are not allowed", NOT_IMPLEMENTED)
    if _BROKERS.search(sql) and first_keyword(sql) in ("CREATE", "ATTACH", "REPLACE"):
        raise QueryError("Message broker engines are not supported by the embedded engine", NOT_IMPLEMENTED)


def marks_connection(sql: bytes) -> bool:
    """Whether the statement leaves something in its connection: settings, the current database, a temporary table."""
    words = (token.text.upper() for token in tokens(sql[:_HEAD]))
    match next(words, b""):
        case b"SET" | b"USE":
            return True
        case b"CREATE":
            return b"TEMPORARY" in islice(words, 3)
    return False


def quote(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(value: str) -> str:
    """An identifier."""
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"
