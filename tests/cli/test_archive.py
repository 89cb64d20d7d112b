"""`tickhouse archive` as a person meets it: a day out, gone from the table, and back."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli import archive
from infra.errors import TickhouseError
from market.dataset import Dataset
from store import trades
from store.errors import StoreCode
from tests.store.rows import DAY, frame

pytestmark = pytest.mark.stack


def tickhouse(*words):
    return CliRunner().invoke(archive.app, list(words))


def test_a_day_out_and_back(clickhouse, settings):
    trades.write(clickhouse, frame(Dataset.TRADES, [(0, 7, 1), (1, 8, 1)]), DAY)
    assert "nothing is archived" in tickhouse("list").output
    assert "trades/2026-01-01: 2 rows" in tickhouse("day", "trades", "2026-01-01").output
    assert "2026-01-01" in tickhouse("list", "trades").output
    assert "1 of 1 archived days are whole" in tickhouse("verify").output
    assert "was all there" in tickhouse("restore", "trades", "2026-01-01").output
    clickhouse.command("TRUNCATE TABLE trades")
    assert "restored 2 rows of trades/2026-01-01" in tickhouse("restore", "trades", "2026-01-01").output
    assert clickhouse.command("SELECT count() FROM trades") == 2


def test_what_goes_wrong_is_said(clickhouse, settings):
    empty = tickhouse("day", "trades", "2026-01-05")
    assert (empty.exit_code, empty.output) == (1, "trades has no row of 2026-01-05\n")
    missing = tickhouse("restore", "trades", "2026-01-05").exception
    assert isinstance(missing, TickhouseError)
    assert missing.code is StoreCode.ARCHIVE_MISSING
    trades.write(clickhouse, frame(Dataset.TRADES, [(0, 7, 1)]), DAY)
    tickhouse("day", "trades", "2026-01-01")
    (settings.home / "archive" / "trades" / "2026-01-01.parquet").write_bytes(b"PAR1")
    broken = tickhouse("verify")
    assert broken.exit_code == 1
    assert "ARCHIVE_BROKEN table=trades day=2026-01-01" in broken.output
    assert "0 of 1 archived days are whole" in broken.output
