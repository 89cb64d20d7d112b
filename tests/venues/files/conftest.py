"""A publisher on localhost that answers as it is told, for tests of sources and downloads."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Answer:
    """One answer: `cut` bytes of the body are promised and never sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


class Publisher:
    """Files by path; `answers` come first, one a GET, and `asked` counts the requests by method and path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def put(self, name: str, body: bytes) -> str:
        self.files[f"/{name}"] = body
        return f"{self.url}/{name}"

    def first(self, name: str, *answers: Answer) -> None:
        self.answers[f"/{name}"].extend(answers)

    def gets(self, name: str) -> int:
        return self.asked.count(("GET", f"/{name}"))


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    served = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(self.command == "GET")

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, whole: bool) -> None:
            served.asked.append((self.command, self.path))
            planned = served.answers[self.path]
            if planned and whole:
                answer = planned.popleft()
            elif self.path in served.files:
                body = served.files[self.path]
                answer = Answer(200, body, {"ETag": f'"{hash(body)}"'})
            else:
                answer = Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
            self.end_headers()
            if whole:
                self.wfile.write(answer.body)
            self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()
