"""Requests in, responses out: who may ask, what is asked, and errors in ClickHouse's form."""

from __future__ import annotations

import base64
import hmac
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.clickhouse.compression import ENCODINGS, compressed
from infra.clickhouse.execute import Running, Stream, execute
from infra.clickhouse.faults import AUTHENTICATION_FAILED, QueryError
from infra.clickhouse.request import Request, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.clickhouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Response:
    """A whole body, or chunks that are still being made; `close` their source whatever happens."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    chunks: Iterator[bytes] | None = None
    source: Stream | None = None

    def close(self) -> None:
        """Frees what a cut answer holds."""
        if self.source:
            self.source.close()


class Server:
    """Answers requests on one engine for one user; any number of threads may call it."""

    def __init__(self, engine: Engine, user: str = "default", password: str = "") -> None:
        self.engine = engine
        self._user, self._password = user, password

    @property
    def pong(self) -> Response:
        """The response to a ping."""
        return Response(200, {"Content-Type": "text/html; charset=UTF-8"}, b"Ok.\n")

    def handle(self, request: Request, running: Running) -> Response:
        """The response to one request; `running.tag` names the engine's query while one may be killed."""
        headers = {
            "X-ClickHouse-Server-Display-Name": "chdb",
            "X-ClickHouse-Query-Id": request.query.get("query_id") or str(uuid.uuid4()),
            "X-ClickHouse-Timezone": self.engine.timezone,
        }
        if request.path != "/":
            return Response(404, headers, f"There is no handle {request.path}\n".encode())
        try:
            self._authenticate(request)
            answer = execute(self.engine, parse(request), running)
        except (QueryError, ValueError) as problem:  # ValueError: bytes, numbers or names that cannot be read
            error = problem if isinstance(problem, QueryError) else QueryError(str(problem))
            headers |= {"X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"}
            return Response(error.status, headers, error.text(self.engine.version).encode() + b"\n")
        headers |= answer.headers
        encoding = _accepted_encoding(request)
        if encoding:
            headers["Content-Encoding"] = encoding
        if answer.stream:
            chunks = iter(answer.stream)
            return Response(
                200, headers, b"", compressed(chunks, encoding) if encoding else chunks, answer.stream
            )
        body = b"".join(compressed(iter([answer.body]), encoding)) if encoding else answer.body
        return Response(200, headers, body)

    def _authenticate(self, request: Request) -> None:
        headers, authorization = request.headers, request.headers.get("authorization", "")
        if "x-clickhouse-user" in headers:
            user, key = headers["x-clickhouse-user"], headers.get("x-clickhouse-key", "")
        elif authorization.lower().startswith("basic "):
            user, _, key = base64.b64decode(authorization[6:]).decode().partition(":")
        else:
            user, key = request.query.get("user", "default"), request.query.get("password", "")
        right_user = hmac.compare_digest(user.encode(), self._user.encode())
        if not (hmac.compare_digest(key.encode(), self._password.encode()) and right_user):
            raise QueryError(
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name.",
                AUTHENTICATION_FAILED,
            )


def is_ping(request: Request) -> bool:
    """Whether it only asks if the server lives."""
    bare = request.path == "/" and request.method == "GET" and not request.query.get("query") and not request.body
    return bare or request.path in ("/ping", "/replicas_status")


def _accepted_encoding(request: Request) -> str:
    if request.query.get("enable_http_compression") != "1":
        return ""
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")]
    return next((encoding for encoding in accepted if encoding in ENCODINGS), "")
