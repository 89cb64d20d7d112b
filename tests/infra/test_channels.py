"""Channels against a real HTTP server on this machine."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra import channels
from infra.channels import ChannelCode
from infra.errors import TickhouseError
from infra.mail import MailCode, Message, Picture
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


def test_pictures_go_where_files_are_taken(webhook):
    message = Message("subject", "text", pictures=(Picture("coverage-1", b"\x89PNG..."),))
    assert channels.send(Mail(channels=(f"json://127.0.0.1:{webhook.server_port}",)), message) == ["json"]
    (attached,) = webhook.received[0]["attachments"]
    assert (attached["filename"], attached["mimetype"]) == ("coverage-1.png", "image/png")
    assert base64.b64decode(attached["base64"]) == b"\x89PNG..."


def test_what_is_too_long_for_one_message_goes_short_or_in_pieces(webhook):
    settings = Mail(channels=(f"json://127.0.0.1:{webhook.server_port}",))
    long = "\n".join(f"line {number}" for number in range(8000))
    assert channels.send(settings, Message("subject", long, short="brief")) == ["json"]
    assert [one["message"] for one in webhook.received] == ["brief"]
    webhook.received.clear()
    assert channels.send(settings, Message("subject", long)) == ["json"]
    assert len(webhook.received) > 1
    assert "line 7999" in webhook.received[-1]["message"]


@pytest.mark.parametrize("url", [
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack://xoxb-1234-1234-abc124/#general",
    "tgram://123456789:abcdefg_hijklmnop/12315544/", "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "json://localhost/alerts", "jsons://user:password@example.org/alerts", "ntfy://ntfy.example.org/alerts",
])
def test_usual_channels_are_understood(url):
    from apprise import Apprise

    assert Apprise().add(url)


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
