"""The parts of `tickhouse demo history`: its mail server, its files, its plan."""

import hashlib
import json
import socket
import threading
import zipfile
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from cli import main as command_line
from cli.demo.history import HistoryPlan, _sources, stages
from cli.demo.history_files import PLANTED_AT, Publisher
from cli.demo.mailbox import Mailbox
from infra import mail
from infra.errors import TickhouseError
from infra.mail import Message, Picture
from infra.settings import Mail
from venues import catalogue

DAY = date(2026, 11, 3)


@pytest.fixture
def mailbox(tmp_path):
    made = Mailbox(tmp_path / "mail")
    yield made
    made.close()


def settings(mailbox):
    return Mail(host="127.0.0.1", port=mailbox.port, recipients=("data@example.org",))


def test_mails_are_kept_whole_with_their_pictures(mailbox):
    text = "first\n.\n..two dots\n" + "long " * 5000 + "ünicode"
    picture = Picture("grid", b"\x89PNG" + bytes(range(256)) * 500)
    message = Message("A subject: ✓", text, "<img src='cid:grid'>", (picture,))
    assert mail.send(settings(mailbox), message)
    assert mail.send(settings(mailbox), Message("second", "text"))
    first, second = mailbox.mails
    assert first.subject == "A subject: ✓"
    assert first.part("plain").replace("\r\n", "\n").rstrip("\n") == text
    assert "cid:grid" in first.part("html")
    assert "src='data:image/png;base64,iVBORwAB" in first.page.read_text()
    assert second.part("html") == ""
    assert [file.name for file in sorted(mailbox.folder.iterdir())] == ["001.eml", "001.html", "002.eml", "002.html"]


def test_a_closed_mail_server_takes_nothing(mailbox):
    mailbox.close()
    mailbox.close()
    with pytest.raises(TickhouseError, match="MAIL_NOT_SENT"):
        mail.send(settings(mailbox), Message("a", "b"))


def test_a_sender_that_goes_away_does_not_end_it(mailbox):
    with socket.create_connection(("127.0.0.1", mailbox.port), timeout=5) as gone:
        gone.recv(100)
        gone.sendall(b"EHLO x\r\nDATA\r\nhalf a mess")
    assert mail.send(settings(mailbox), Message("after", "text"))
    assert [one.subject for one in mailbox.mails] == ["after"]


@pytest.fixture
def publisher(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            start, end = int(query["startTime"]), int(query["endTime"])
            bars = [
                [at, "100.5", "101.0", "99.0", "100.0", "3.1", at + 299_999, "310.0", 7, "1.0", "100.0", "0"]
                for at in range(start, end, 300_000)
            ]
            body = json.dumps(bars[: int(query["limit"])]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    made = Publisher(tmp_path / "files", f"http://127.0.0.1:{server.server_port}", ("BTCUSDT", "ETHUSDT"))
    assert made.fetch(DAY, DAY + timedelta(days=1)) == 4 * 288
    made.publish_all()
    yield made
    server.shutdown()
    server.server_close()


def lines(publisher, symbol, day=DAY):
    file = publisher.folder / f"{symbol}-5m-{day}.zip"
    said = (publisher.folder / f"{file.name}.CHECKSUM").read_text()
    assert said == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
    with zipfile.ZipFile(file) as archive:
        return archive.read(f"{symbol}-5m-{day}.csv").decode().splitlines()


def test_files_are_as_the_publisher_s(publisher):
    assert len(lines(publisher, "BTCUSDT")) == 289
    assert lines(publisher, "ETHUSDT")[0].startswith("open_time,open,high")


def test_a_planted_row_stands_where_it_is_said_and_goes_again(publisher):
    whole = lines(publisher, "BTCUSDT")
    planted = publisher.plant_bad_row("BTCUSDT", DAY)
    changed = lines(publisher, "BTCUSDT")
    assert [at for at in range(289) if whole[at] != changed[at]] == [PLANTED_AT + 1]
    assert changed[PLANTED_AT + 1] == planted
    assert planted.split(",")[2:4] == ["99.0", "101.0"]
    publisher.publish("BTCUSDT", DAY)
    assert lines(publisher, "BTCUSDT") == whole


def test_a_withheld_file_is_gone_and_a_restated_one_differs_in_one_bar(publisher):
    publisher.withhold("ETHUSDT", DAY)
    assert len(list(publisher.folder.iterdir())) == 6
    before = lines(publisher, "BTCUSDT")
    assert publisher.restate("BTCUSDT", DAY) == (7, 8)
    assert sum(a != b for a, b in zip(before, lines(publisher, "BTCUSDT"), strict=True)) == 1


def test_the_sources_file_is_a_valid_catalogue(tmp_path):
    file = tmp_path / "sources.toml"
    _sources(file, tmp_path / "files", DAY)
    (entry,) = catalogue.load(file).files
    assert (entry.name, entry.format, entry.checksum, entry.history_start) == (
        "klines_5m", "binance_klines", "{path}.CHECKSUM", DAY
    )


def test_the_plan_ends_with_yesterday_and_mails_to_nobody_else():
    plan = HistoryPlan.of(14)
    assert plan.last_day - plan.first_day == timedelta(days=13)
    environment = plan.environment()
    assert environment["TICKHOUSE_MAIL__HOST"] == "127.0.0.1"
    assert environment["TICKHOUSE_MAIL__CHANNELS"] == "[]"
    assert environment["TICKHOUSE_HOME"].endswith("demo-history")
    assert len(stages(14)) == 7


def test_it_is_a_command_of_its_own():
    command_line._register()
    said = CliRunner().invoke(command_line.app, ["demo", "history", "--help"], env={"COLUMNS": "120"})
    assert said.exit_code == 0
    assert "--days" in said.output
