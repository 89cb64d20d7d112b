"""The risk report from positions or a model portfolio and recorded bars, on a real database."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets import risk_report, risk_report_portfolio
from assets.resources import ClickHouse
from assets.risk_report_errors import ReportCode
from infra.errors import TickhouseError
from infra.mail import compose
from infra.settings import Mail
from market.instrument import InstrumentKind, InstrumentSpec, Status
from store import bars, ingest_log, instruments, writer
from store.ingest_log import IngestEntry, IngestState

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("risk_report")]
DAY_NS = 86_400_000_000_000
LAST = date(2026, 3, 31)
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
DAILY = dg.DailyPartitionsDefinition(start_date="2026-01-01")


def _ns(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


def _spec(symbol):
    base = symbol.split("/")[0]
    return InstrumentSpec(
        venue="binance", symbol=symbol, venue_symbol=f"{base}USDT", kind=InstrumentKind.LINEAR, base=base,
        quote="USDT", settle="USDT", price_scale=2, qty_scale=3, contract_size=10**8, tick=10, lot=1, min_qty=1,
        max_qty=10**9, min_notional=10**6, maker_fee_ppm=200, taker_fee_ppm=500, status=Status.TRADING,
        valid_from=_ns(date(2026, 1, 1)),
    )


def _fill(client, days, hole=None, silent=()):
    """Two bars a day and instrument, prices of a random walk with a common factor; the last is silent on `silent`."""
    lives = instruments.record(client, [_spec(symbol) for symbol in SYMBOLS])
    rng = np.random.default_rng(8)
    moves = rng.normal(0, 0.02, (days, 1)) + rng.normal(0, 0.015, (days, len(lives)))
    closes = np.array([60_000_00, 3_000_00, 150_00]) * np.cumprod(1 + moves, axis=0)
    rows, entries = [], []
    for row in range(days):
        day = LAST - timedelta(days=days - 1 - row)
        for column, life in enumerate(lives):
            quiet = day in silent and column == len(lives) - 1
            for minute in () if quiet else (0, 1439):
                close = round(closes[row, column]) if minute else 100
                opened = _ns(day) + minute * 60_000_000_000
                rows.append((life.id, 60, opened, opened + 60_000_000_000, close, close, close, close, 1, 1, "test"))
            state = IngestState.PARTIAL if day == hole and not column else IngestState.COMPLETE
            state = IngestState.VERIFIED_EMPTY if quiet else state
            entries.append(IngestEntry("bars", "binance", life.id, day, state, 2, "", "test"))
    bars.write(client, pl.DataFrame(rows, schema=list(bars.COLUMNS), orient="row"), seen_ns=_ns(LAST) + DAY_NS)
    ingest_log.record(client, entries)
    return lives, closes


def _materialise(day=LAST):
    return dg.materialize(
        risk_report.build("binance", SYMBOLS, DAILY), partition_key=day.isoformat(),
        resources={"clickhouse": ClickHouse()}, raise_on_error=False, instance=dg.DagsterInstance.ephemeral(),
    )


def _metadata(result):
    (made,) = result.asset_materializations_for_node("risk_report")
    return {name: value.value for name, value in made.metadata.items()}


def test_a_flat_account_reports_a_model_portfolio(clickhouse, settings):
    _, closes = _fill(clickhouse, 70)
    result = _materialise()
    assert result.success
    data = _metadata(result)
    returns = (closes[1:] / closes[:-1] - 1).mean(axis=1)
    assert data["portfolio"] == "model portfolio, equal weights"
    assert data["gross"] == pytest.approx(25_000)
    assert data["var_99_1d"] == pytest.approx(-np.sort(returns)[0] * 25_000, rel=1e-3)
    assert data["mailed"] is False
    assert data["report"].startswith("**Risk report 2026-03-31**")
    assert data["distribution"].startswith("![distribution](data:image/png;base64,")
    page = Path(data["file"]["path"] if isinstance(data["file"], dict) else data["file"])
    assert page == settings.home / "reports" / "2026-03-31" / "risk_report.html"
    html = page.read_text()
    assert html.count("data:image/png;base64,") == 6
    assert "model portfolio" in html
    if copy := os.environ.get("TICKHOUSE_KEEP_REPORT"):
        Path(copy).write_text(html)
    assert result.get_asset_check_evaluations()[0].passed


def test_the_accounts_positions_are_reported_as_of_the_day(clickhouse, settings):
    lives, closes = _fill(clickhouse, 45)
    held = [(lives[0].id, 55, 0), (lives[0].id, 100, 0),  # two fills at the same moment: the later row stands
            (lives[1].id, -2_000, 0), (lives[2].id, 5_000, -1), (lives[2].id, 0, 0),
            (lives[0].id, 999_999, 1)]  # SOL is closed before the day's end, the last row is of the day after
    writer.insert(
        clickhouse, "positions",
        pl.DataFrame(
            [
                {"account": settings.live.account, "instrument": instrument, "strategy": "",
                 "ts_event": _ns(LAST + timedelta(days=shift)) + 1, "qty": qty, "average_price": 0,
                 "realised_pnl": 0, "unrealised_pnl": 0, "fees": 0, "mark_price": 0}
                for instrument, qty, shift in held
            ]
        ),
    )
    data = _metadata(_materialise())
    btc, eth = 0.1 * closes[-1, 0] / 100, -2.0 * closes[-1, 1] / 100
    assert data["portfolio"] == f"account {settings.live.account}"
    assert data["gross"] == pytest.approx(btc - eth, rel=1e-6)


@pytest.mark.parametrize(
    ("days", "hole", "code"),
    [(0, None, "INGEST_INSTRUMENTS_MISSING"), (70, LAST, "REPORT_DAY_INCOMPLETE"), (20, None, "REPORT_HISTORY_SHORT"),
     (70, LAST - timedelta(days=12), "REPORT_HISTORY_SHORT")],
)
def test_missing_data_fails_with_a_code(clickhouse, days, hole, code):
    if days:
        _fill(clickhouse, days, hole)
    result = _materialise()
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert code in str(failure.step_failure_data.error)
    assert result.asset_materializations_for_node("risk_report") == []


def test_a_day_without_trades_carries_the_close_and_the_first_needs_one(clickhouse):
    lives, closes = _fill(clickhouse, 40, silent=(LAST, LAST - timedelta(days=1)))
    past = risk_report_portfolio.history(clickhouse, lives, LAST)
    assert past.carried == 2
    assert past.closes.shape == (40, 3)
    assert past.closes[-1, 2] == past.closes[-3, 2] == round(closes[-3, 2]) / 100
    assert past.closes[-1, 0] == round(closes[-1, 0]) / 100
    for day, code in (
        (LAST + timedelta(days=1), ReportCode.REPORT_DAY_INCOMPLETE),
        (LAST - timedelta(days=10), ReportCode.REPORT_PRICE_MISSING),
    ):
        if code is ReportCode.REPORT_PRICE_MISSING:
            clickhouse.command("TRUNCATE TABLE bars")
        with pytest.raises(TickhouseError) as caught:
            risk_report_portfolio.history(clickhouse, lives, day)
        assert caught.value.code is code


def test_the_mail_carries_the_pictures(clickhouse):
    from assets import risk_report_charts, risk_report_page
    from assets.risk_report_figures import compute
    from infra import toml_file
    from infra.settings import PROJECT
    from risk import limits

    lives, _ = _fill(clickhouse, 45)
    past = risk_report_portfolio.history(clickhouse, lives, LAST)
    figures = compute(
        risk_report_portfolio.model_holdings("USDT", past.symbols), past,
        limits.parse(toml_file.read(PROJECT / "config" / "risk_limits.toml")), [],
    )
    message = risk_report_page.mail(figures, risk_report_charts.draw(figures), "footer")
    assert message.subject.startswith("Risk report 2026-03-31: VaR 99 % ")
    assert "cid:drawdown" in message.html
    email = compose(Mail(host="mail", recipients=("a@b",)), message)
    assert sum(part.get_content_type() == "image/png" for part in email.walk()) == 6
