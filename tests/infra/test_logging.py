"""Logs: JSON in the file, secrets nowhere."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from infra.logging import MASK, configure, get, mask, secrets_of
from infra.settings import Settings

SECRET = "s3cr3t-of-the-venue"


@pytest.fixture
def lines(tmp_path):
    """Configures logging into a folder and reads what was written; puts everything back."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure("flow", folder=tmp_path, secrets=[SECRET])
    yield lambda: [json.loads(line) for line in (tmp_path / "flow.jsonl").read_text().splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_with_its_context(lines):
    get("venues.test").info("reconnected", venue="binance", after_s=1.5)
    (line,) = lines()
    assert line["event"] == "reconnected"
    assert (line["venue"], line["after_s"], line["process"]) == ("binance", 1.5, "flow")
    assert (line["level"], line["logger"]) == ("info", "venues.test")
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_come_too(lines):
    logging.getLogger("some.library").warning("lost %s", "connection")
    assert lines()[0]["event"] == "lost connection"


def test_secrets_are_masked_wherever_they_stand(lines):
    log = get("test")
    careless = f"key is {SECRET}"
    log.info(careless, api_key="abc", nested={"password": "x", "url": "redis://u:pw@host"}, many=[SECRET])
    logging.getLogger("library").error("header %s", SECRET)
    try:
        int(SECRET)
    except ValueError:
        log.exception("failed")
    text = json.dumps(lines())
    assert SECRET not in text
    assert "pw@host" not in text
    assert lines()[0]["api_key"] == MASK
    assert "ValueError" in lines()[2]["exception"]


def test_secrets_of_settings(monkeypatch):
    monkeypatch.setenv("TICKHOUSE_VENUE__API_SECRET", "one")
    monkeypatch.setenv("TICKHOUSE_MAIL__PASSWORD", "two")
    assert secrets_of(Settings()) == {"one", "two"}


@given(st.text(alphabet="abc/:@", max_size=30), st.text(alphabet="xyz", min_size=3, max_size=8))
def test_no_secret_survives_masking(text, secret):
    assert secret not in mask(text + secret + text, [secret])
