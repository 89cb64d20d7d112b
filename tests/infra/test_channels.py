"""Channels against a real HTTP server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra import channels
from infra.channels import ChannelCode
from infra.errors import TickhouseError
from infra.mail import MailCode, Message
from infra.settings import Mail
from infra.stack.ports import free_port

MESSAGE = Message("subject", "text")


@pytest.fixture
def webhook():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    received = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.received = received
    yield server
    server.shutdown()
    server.server_close()


def test_a_channel_takes_the_message_without_mail(webhook):
    took = channels.send(Mail(channels=(f"json://127.0.0.1:{webhook.server_port}",)), MESSAGE)
    assert took == ["json"]
    assert (webhook.received[0]["title"], webhook.received[0]["message"]) == ("subject", "text")


def test_a_second_channel_that_is_down_does_not_hold_up_the_first(webhook):
    urls = (f"json://127.0.0.1:{webhook.server_port}", f"xml://127.0.0.1:{free_port()}")
    assert channels.send(Mail(channels=urls), MESSAGE) == ["json"]


@pytest.mark.parametrize("url", ["json://127.0.0.1:{}", "nonsense-{}"])
def test_the_only_channel_being_down_or_unknown_is_an_error_without_its_token(url):
    with pytest.raises(TickhouseError) as caught:
        channels.send(Mail(channels=(url.format(free_port()),)), MESSAGE)
    assert caught.value.code is ChannelCode.CHANNEL_NOT_SENT
    assert not {"127.0.0.1", "nonsense"} & set(str(caught.value).replace("-", " ").split())


def test_mail_comes_first(webhook):
    settings = Mail(
        host="127.0.0.1", port=free_port(), recipients=("a@example.org",),
        channels=(f"json://127.0.0.1:{webhook.server_port}",),
    )
    with pytest.raises(TickhouseError) as caught:
        channels.send(settings, MESSAGE)
    assert caught.value.code is MailCode.MAIL_NOT_SENT
    assert webhook.received == []
    assert channels.send(Mail(), MESSAGE) == []
