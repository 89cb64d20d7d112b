"""What a configuration file may say, and what is answered to one that says something else."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest

from infra.errors import TickhouseError
from infra.settings import PROJECT, ConfigCode, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TICKHOUSE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes a configuration file and makes it the one in force."""

    def write(text: str) -> None:
        file = tmp_path / "tickhouse.toml"
        file.write_text(text)
        monkeypatch.setenv("TICKHOUSE_CONFIG", str(file))

    return write


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[venue]\nnmae = "binance"', "venue.nmae"),
        ("[vnue]\nname = 'x'", "vnue"),
        ('profile = "cloud"', "profile"),
        ('[sandbox]\nspeed = "1 x"', "sandbox.speed"),
        ("[sandbox]\nspeed = 0", "sandbox.speed"),
        ('[sandbox]\nlag_s = "2 min"', "sandbox.lag_s"),
        ('[live]\npaper_deposit = "100000 USDT"', "live.paper_deposit"),
        ("[live]\npaper_deposit = -1", "live.paper_deposit"),
        ('[live]\ngateway = "papr"', "live.gateway"),
        ('[venue]\nhistory_start = "soon"', "venue.history_start"),
        ("[mail]\nport = 70000", "mail.port"),
        ('[clickhouse]\ndatabase = "default"', "clickhouse.database"),
    ],
)
def test_an_unknown_key_and_a_wrong_value_are_refused_by_name(config, text, key):
    config(text)
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.code is ConfigCode.CONFIG_INVALID
    assert caught.value.context["key"] == key
    assert str(caught.value.context["file"]).endswith("tickhouse.toml")


def test_a_wrong_word_in_the_environment_is_refused_by_name(config, monkeypatch):
    config("")
    monkeypatch.setenv("TICKHOUSE_LIVE__BUSY_POL", "true")
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.context["key"] == "live.busy_pol"


def test_a_wrong_section_in_the_environment_is_refused_too(config, monkeypatch):
    config("")
    monkeypatch.setenv("TICKHOUSE_LVIE__ACCOUNT", "x")
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.context["key"] == "TICKHOUSE_LVIE__ACCOUNT"


@pytest.mark.parametrize("text", ["[venue", "a = 1\na = 2", 'profile = embedded', "\x00"])
def test_broken_toml_is_one_code(config, text):
    config(text)
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.code is ConfigCode.CONFIG_INVALID
    assert caught.value.context["problem"]


def test_bytes_that_are_no_text_are_one_code_too(config, tmp_path):
    config("")
    (tmp_path / "tickhouse.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.code is ConfigCode.CONFIG_INVALID


def test_a_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TICKHOUSE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(TickhouseError) as caught:
        load()
    assert caught.value.code is ConfigCode.CONFIG_MISSING


def test_the_environment_is_above_the_file(config, monkeypatch):
    config("[live]\npaper_deposit = 5000.25\naccount = 'a'")
    assert load().live.paper_deposit == Decimal("5000.25")
    monkeypatch.setenv("TICKHOUSE_LIVE__PAPER_DEPOSIT", "250000")
    assert load().live.paper_deposit == 250_000
    assert load().live.account == "a"


def test_the_project_s_own_file_is_sound(monkeypatch):
    monkeypatch.setenv("TICKHOUSE_CONFIG", str(PROJECT / "config" / "tickhouse.toml"))
    assert load().live.paper_deposit == 100_000
