"""E-mail by SMTP: text, HTML and pictures in one message, from the settings' `[mail]` section."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from infra.errors import ErrorCode, TickhouseError

if TYPE_CHECKING:
    from infra.settings import Mail

TIMEOUT_S = 20.0


class MailCode(ErrorCode):
    """What can go wrong on the way to the mail server."""

    MAIL_NOT_SENT = (
        "the mail server did not take the message",
        "check [mail] in config/tickhouse.toml and that the server runs; alerts are kept and sent at the next tick",
    )


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG shown where the HTML says `<img src="cid:NAME">`."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said; `html` may be empty, `text` never."""

    subject: str
    text: str
    html: str = ""
    pictures: tuple[Picture, ...] = ()
    short: str = ""  # for chats that do not take all of `text` in one message; "": they get it in pieces


def configured(mail: Mail) -> bool:
    """Whether there is a server and someone to write to."""
    return bool(mail.host and mail.recipients)


def compose(mail: Mail, message: Message) -> EmailMessage:
    """The message as it travels. Line breaks in the subject become spaces: they would end the header."""
    email = EmailMessage()
    email["Subject"] = " ".join(message.subject.split())
    email["From"] = mail.sender
    email["To"] = ", ".join(mail.recipients)
    email["Date"] = formatdate(usegmt=True)
    email["Message-ID"] = make_msgid(domain="tickhouse.local")
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(message.text)
    if message.html:
        email.add_alternative(message.html, subtype="html")
        *_, page = email.iter_parts()
        for picture in message.pictures:
            page.add_related(picture.png, "image", "png", cid=f"<{picture.name}>", disposition="inline")
    return email


def send(mail: Mail, message: Message, timeout_s: float = TIMEOUT_S) -> bool:
    """True once the server has accepted the message for every recipient; False where no mail is configured.

    MAIL_NOT_SENT with the server's answer otherwise: the caller keeps what it had to say.
    """
    if not configured(mail):
        return False
    try:
        refused = _deliver(mail, compose(mail, message), timeout_s)
    except (OSError, smtplib.SMTPException) as error:
        raise TickhouseError(MailCode.MAIL_NOT_SENT, host=mail.host, port=mail.port, problem=error) from error
    if refused:
        raise TickhouseError(MailCode.MAIL_NOT_SENT, host=mail.host, port=mail.port, refused=sorted(refused))
    return True


def _deliver(mail: Mail, email: EmailMessage, timeout_s: float) -> dict[str, tuple[int, bytes]]:
    """The recipients that the server refused, with its reasons."""
    server = smtplib.SMTP(mail.host, mail.port, timeout=timeout_s)
    try:
        if mail.starttls:
            server.starttls(context=ssl.create_default_context())
        if mail.user:
            server.login(mail.user, mail.password.get_secret_value())
        refused = server.send_message(email)
        with suppress(OSError, smtplib.SMTPException):
            server.quit()  # the message is accepted: a bad farewell must not have it sent twice
        return refused
    finally:
        server.close()  # not `with`: its farewell would wait for a server that still expects a TLS handshake
