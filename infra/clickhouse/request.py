"""From an HTTP request to a query: where each part of it may stand, as ClickHouse's interface has it."""

from __future__ import annotations

import email.parser
import email.policy
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl

from infra.clickhouse.compression import decompress
from infra.clickhouse.faults import NOT_IMPLEMENTED, SYNTAX_ERROR, QueryError
from infra.clickhouse.sql import InlineInsert, split_insert

# Query-string names that are about the transport, not settings for the engine.
_TRANSPORT = {
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id",
    "quota_key", "user", "password", "compress", "decompress", "wait_end_of_query", "buffer_size", "role",
    "client_protocol_version", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "enable_http_compression", "cancel_http_readonly_queries_on_client_close", "stacktrace",
    "http_make_head_request", "http_native_compression_disable_checksumming_on_decompress",
}
_HEAD = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table that comes with the query, in a multipart body."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """What to run and how."""

    sql: bytes
    rest: bytes                # an insert's data that came in the body
    insert: InlineInsert | None
    database: str
    settings: dict[str, str]
    parameters: dict[str, str]
    tables: tuple[ExternalTable, ...]
    session_id: str            # "" for none
    session_timeout_s: float
    default_format: str
    wait: bool                 # hold the answer back until it is whole, so that an error has its status
    killable: bool             # stop it when the client hangs up

    @property
    def text(self) -> str | bytes:
        """The statement; bytes where clients bind binary values into it."""
        try:
            return self.sql.decode()
        except UnicodeDecodeError:
            return self.sql


def parse(request: Request) -> Query:
    """The query of a request; QueryError where it has none or asks for ClickHouse's native block compression."""
    body = decompress(request.body, request.headers.get("content-encoding", ""))
    args = dict(request.query)
    if "1" in (args.get("compress"), args.get("decompress")):
        raise QueryError("ClickHouse's own block compression is not supported; use HTTP compression", NOT_IMPLEMENTED)
    files: dict[str, bytes] = {}
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        fields, files = _multipart(content_type, body)
        args, body = args | fields, b""
    elif (
        content_type.startswith("application/x-www-form-urlencoded")
        and "query" not in args
        and b"query=" in body[:_HEAD]
    ):
        args, body = args | dict(parse_qsl(body.decode(), keep_blank_values=True)), b""
    sql, rest, insert = _statement(args.get("query", "").encode(errors="surrogateescape"), body)
    of_tables = {f"{name}_{part}" for name in files for part in ("format", "structure", "types")}
    settings = {
        name: value
        for name, value in args.items()
        if name not in _TRANSPORT and name not in of_tables and not name.startswith("param_")
    }
    if request.method == "GET":
        settings["readonly"] = "2"
    return Query(
        sql=sql,
        rest=rest,
        insert=insert,
        database=args.get("database") or request.headers.get("x-clickhouse-database") or "default",
        settings=settings,
        parameters={name[6:]: value for name, value in args.items() if name.startswith("param_")},
        tables=tuple(_table(name, data, args) for name, data in files.items()),
        # External tables live in a connection of their own, gone at once.
        session_id=f"external-{uuid.uuid4()}" if files else args.get("session_id", ""),
        session_timeout_s=0.0 if files else float(args.get("session_timeout") or 60),
        default_format=args.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated",
        wait=args.get("wait_end_of_query") == "1",
        killable=args.get("cancel_http_readonly_queries_on_client_close") == "1" or request.method == "GET",
    )


def _statement(sql: bytes, body: bytes) -> tuple[bytes, bytes, InlineInsert | None]:
    rest = body if sql else b""
    sql = sql or body
    insert = split_insert(sql)
    if rest and not insert:  # the statement may be cut anywhere between the query string and the body
        sql, rest = sql + b"\n" + rest, b""
        insert = split_insert(sql)
    if not sql.strip():
        raise QueryError("Empty query", SYNTAX_ERROR)
    return sql, rest, insert


def _multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in message.walk():
        if part.is_multipart():
            continue
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        content = data if isinstance(data, bytes) else b""
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files[name] = content
    return fields, files


def _table(name: str, data: bytes, args: dict[str, str]) -> ExternalTable:
    types = args.get(f"{name}_types", "").split(",")
    structure = args.get(f"{name}_structure") or ", ".join(f"_{i} {kind}" for i, kind in enumerate(types, 1))
    return ExternalTable(name, structure, args.get(f"{name}_format", "TabSeparated"), data)
