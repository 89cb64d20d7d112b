"""Mail against a real SMTP server on this machine."""

import email
import shutil
import ssl
import subprocess

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from infra import mail
from infra.errors import TickhouseError
from infra.mail import MailCode, Message, Picture
from infra.settings import Mail
from infra.stack.ports import free_port


class Inbox:
    """Keeps what it is sent; refuses recipients named `nobody@`."""

    def __init__(self):
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def server(inbox):
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def _settings(server, **changes):
    values = {"host": "127.0.0.1", "port": server.port, "recipients": ("risk@example.org", "ops@example.org")}
    return Mail(**values | changes)


def test_text_html_and_pictures_arrive(server, inbox):
    chart = Picture("chart", b"\x89PNG!")
    message = Message("Größe:\r\nBcc: evil@example.org", "plain", "<img src='cid:chart'>", (chart,))
    assert mail.send(_settings(server), message)
    (arrived,) = inbox.messages
    assert arrived["Subject"] == "Größe: Bcc: evil@example.org"
    assert arrived["Bcc"] is None
    assert arrived["To"] == "risk@example.org, ops@example.org"
    assert arrived.get_body(("plain",)).get_content().strip() == "plain"
    assert "cid:chart" in arrived.get_body(("html",)).get_content()
    (picture,) = [part for part in arrived.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<chart>"
    assert picture.get_content() == b"\x89PNG!"


def test_without_host_or_recipients_nothing_is_sent(server, inbox):
    assert not mail.send(Mail(), Message("a", "b"))
    assert not mail.send(_settings(server, recipients=()), Message("a", "b"))
    assert inbox.messages == []


@pytest.mark.parametrize("recipients", [("nobody@example.org",), ("nobody@example.org", "risk@example.org")])
def test_a_refused_recipient_is_an_error(server, recipients):
    with pytest.raises(TickhouseError) as caught:
        mail.send(_settings(server, recipients=recipients), Message("a", "b"))
    assert caught.value.code is MailCode.MAIL_NOT_SENT
    assert "nobody@example.org" in str(caught.value)


def test_a_server_that_is_down_is_an_error_with_its_address():
    port = free_port()
    with pytest.raises(TickhouseError) as caught:
        mail.send(Mail(host="127.0.0.1", port=port, recipients=("a@example.org",)), Message("a", "b"))
    assert caught.value.code is MailCode.MAIL_NOT_SENT
    assert caught.value.context["port"] == port


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate")
def test_starttls_and_login(inbox, tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"me", b"secret"), handled=False)

    controller = Controller(
        inbox, hostname="localhost", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=authenticate, auth_required=True,
    )
    controller.start()
    try:
        good = _settings(controller, host="localhost", starttls=True, user="me", password="secret")
        with pytest.raises(TickhouseError, match="CERTIFICATE_VERIFY_FAILED"):
            mail.send(good, Message("a", "b"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(TickhouseError, match="Authentication credentials invalid"):
            mail.send(good.model_copy(update={"user": "you"}), Message("a", "b"))
        assert mail.send(good, Message("a", "b"))
    finally:
        controller.stop()
    assert len(inbox.messages) == 1
