"""A mail server for the demo: takes what it is sent over SMTP and keeps each message as a file."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import EmailMessage

_ANSWERS = {"HELO": "250 tickhouse", "EHLO": "250 tickhouse", "MAIL": "250 OK", "RCPT": "250 OK", "RSET": "250 OK",
            "NOOP": "250 OK", "QUIT": "221 bye", "DATA": "354 end with a dot"}
_LARGEST = 1 << 24


@dataclass(frozen=True, slots=True)
class Mail:
    """One message: as it came, and its page with the pictures inside."""

    message: EmailMessage
    file: Path
    page: Path

    @property
    def subject(self) -> str:
        """Its subject line."""
        return str(self.message["Subject"])

    def part(self, subtype: str) -> str:
        """Its text, "plain" or "html"; "" where it has none."""
        body = self.message.get_body((subtype,))
        return str(body.get_content()) if body else ""


class Mailbox:
    """Listens on this machine, at a port of its own, in a thread of its own, until closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mails: list[Mail] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LARGEST))
        self.port = int(self._server.sockets[0].getsockname()[1])

    @property
    def mails(self) -> tuple[Mail, ...]:
        """What has come so far."""
        return tuple(self._mails)

    def close(self) -> None:
        """Ends the server; a second call does nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _call(self, coroutine: object) -> asyncio.Server:
        future: Future[asyncio.Server] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)  # type: ignore[arg-type]
        return future.result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 tickhouse\r\n")
            while line := await reader.readline():
                word = line[:4].decode("ascii", errors="replace").upper()
                writer.write(_ANSWERS.get(word, "502 not known").encode() + b"\r\n")
                if word == "DATA":
                    await writer.drain()
                    self._keep(await _data(reader))
                    writer.write(b"250 kept\r\n")
                await writer.drain()
                if word == "QUIT":
                    break
        except ConnectionError:
            return  # who sent it is gone; whole messages are kept
        finally:
            writer.close()

    def _keep(self, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        message = email.message_from_bytes(content, policy=email.policy.default)
        name = f"{len(self._mails) + 1:03}"
        file, page = self.folder / f"{name}.eml", self.folder / f"{name}.html"
        file.write_bytes(content)
        mail = Mail(message, file, page)
        page.write_text(_whole(mail), encoding="utf-8")
        self._mails.append(mail)


async def _data(reader: asyncio.StreamReader) -> bytes:
    """The message; a dot alone in its line ends it, one that begins a line came doubled."""
    lines = []
    while (text := await reader.readline()) not in (b".\r\n", b".\n"):
        if not text:
            raise ConnectionResetError("the sender went away in the middle of a message")
        lines.append(text[1:] if text.startswith(b"..") else text)
    return b"".join(lines)


def _whole(mail: Mail) -> str:
    """The page with its pictures inside, so that a browser shows it as a mail reader does."""
    html = mail.part("html")
    for part in mail.message.walk():
        if part.get_content_maintype() == "image":
            name = str(part["Content-ID"]).strip("<>")
            encoded = base64.b64encode(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{encoded}")
    return html
