import tomllib
from pathlib import Path

import pytest

from ledger.intent import Intent, OrderType, TimeInForce
from market.events import Side
from market.instrument import Instrument, InstrumentKind, Status, TradingRules
from risk import limits as limits_module
from risk.context import RiskContext
from risk.exposure import Exposure

LIMITS_FILE = Path(__file__).parents[2] / "config" / "risk_limits.toml"
USDT = 10**8


@pytest.fixture
def raw():
    return tomllib.loads(LIMITS_FILE.read_text())


@pytest.fixture
def limits(raw):
    return limits_module.parse(raw)


@pytest.fixture
def btc():
    return Instrument(
        1, "binance", "BTC/USDT:USDT", "BTCUSDT", InstrumentKind.LINEAR, "BTC", "USDT", "USDT",
        price_scale=2, qty_scale=3, contract_size=10**8, valid_from=0,
    )


@pytest.fixture
def rules():
    return TradingRules(
        1, tick=10, lot=1, min_qty=1, max_qty=120_000, min_notional=100 * 10**5,
        maker_fee_ppm=200, taker_fee_ppm=500, status=Status.TRADING, valid_from=0,
    )


@pytest.fixture
def exposure(limits, btc):
    return Exposure(limits, [btc], ["ml"])


@pytest.fixture
def context(limits, btc, rules, exposure):
    """Everything known and healthy, flat, 100,000 USDT: a buy of 0.05 BTC at 50,000 passes."""
    return RiskContext(
        limits=limits, instrument_limits=limits.instrument(btc.symbol), instrument=btc, rules=rules,
        nodes=exposure.path(1), position=0, mid=50_000_00, quote_age_ns=10_000_000, equity=100_000 * USDT,
        peak_equity=100_000 * USDT, day_pnl=0, orders_last_second=0, known_order_ids=set(), halted=False,
        feed_healthy=True,
    )


@pytest.fixture
def order():
    return Intent(
        order_id="a", account="paper", portfolio="main", instrument=1, strategy="ml", side=Side.BUY,
        type=OrderType.LIMIT, tif=TimeInForce.GTC, price=50_000_00, qty=50, reduce_only=False, post_only=False,
        ts_decision=0, ttl_ns=0, decision_seq=1, child=0,
    )
