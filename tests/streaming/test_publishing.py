"""The publisher's two writers: nothing is lost while a store is away, quotes are given up before trades."""

from dataclasses import replace

import numpy as np
import pytest

from infra.home import Home
from infra.stack.ports import free_port
from market.dataset import Dataset, conform
from market.events import Flag, Kind, Side, empty
from store import datasets, redis_state
from streaming import halt, warehouse
from streaming.batch import Prediction
from streaming.bench import frames
from streaming.dead_letters import DeadLetters
from streaming.live_state import LiveState
from streaming.messages import RiskRow
from streaming.warehouse import Warehouse
from tests.support import wait_until
from venues import ccxt_rows

TS = 1_790_000_000_000_000_000


def ticks(trades=2, quotes=2):
    events = empty(trades + 2 * quotes)
    events["instrument"], events["ts_event"], events["ts_recv"] = 1, TS, TS
    events["price"], events["qty"], events["seq"] = 100, 5, np.arange(len(events))
    events["kind"][:trades], events["kind"][trades:] = Kind.TRADE, Kind.QUOTE
    events["side"][trades::2], events["side"][trades + 1 :: 2] = Side.BUY, Side.SELL
    events["side"][:trades] = Side.SELL
    return events


def away(settings):
    dead = settings.clickhouse.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})
    gone = settings.redis.model_copy(update={"url": f"redis://127.0.0.1:{free_port()}/0"})
    return settings.model_copy(update={"clickhouse": dead, "redis": gone})


@pytest.mark.stack
def test_clickhouse_away_and_back_loses_nothing(settings, clickhouse, monkeypatch):
    monkeypatch.setattr(warehouse, "_RETRY_S", 0.05)
    monkeypatch.setattr(warehouse, "_EVERY_S", 0.05)
    writer = Warehouse(away(settings))
    writer.start()
    writer.events(ticks())
    writer.predictions([Prediction("flow", 1, 1, TS, 1, 0.5)])
    writer.risk([RiskRow(TS, "error", "ORDER_QUOTE_STALE", 1, "momentum", "age=3")])
    wait_until(lambda: not writer.reachable, 10)
    writer.settings = settings
    wait_until(lambda: writer.reachable, 20)
    writer.stop()
    for table, count in {"trades": 2, "quotes": 2, "predictions": 1, "risk_events": 1}.items():
        assert clickhouse.query_df(f"SELECT * FROM {table}").shape[0] == count, table  # noqa: S608 - our own names
    row = clickhouse.query("SELECT bid_price, ask_price, toUnixTimestamp64Nano(ts_event) FROM quotes LIMIT 1")
    assert row.result_rows[0] == (100, 100, TS)


@pytest.mark.stack
def test_what_was_heard_live_is_no_revision_when_history_is_fetched(settings, clickhouse):
    """The live frame said LAST, the venue's history does not: how it came, not what it is."""
    events = ticks(trades=3, quotes=0)
    events["flags"] = Flag.AGGREGATE | Flag.LAST
    writer = Warehouse(settings)
    writer.start()
    writer.events(events)
    writer.stop()

    life = replace(frames.instruments(1)[0], price_scale=0, qty_scale=0)
    told = [{"timestamp": TS // 1_000_000, "id": str(number), "price": "100", "amount": "5", "side": "sell"}
            for number in range(3)]
    fetched = conform(ccxt_rows.Made("binance", "binance-rest", life).trades(told, aggregate=True), Dataset.TRADES)
    assert datasets.write(clickhouse, Dataset.TRADES, fetched, TS + 10) == 0
    assert clickhouse.query("SELECT DISTINCT flags FROM trades").result_rows == [(int(Flag.AGGREGATE),)]
    fetched = fetched.with_columns(price=fetched["price"] + 1)
    assert datasets.write(clickhouse, Dataset.TRADES, fetched, TS + 10) == 3, "another price is another trade"


@pytest.mark.stack
def test_redis_away_and_back_shows_the_newest(settings, redis, monkeypatch):
    monkeypatch.setattr("streaming.live_state._RETRY_S", 0.05)
    live = LiveState(away(settings))
    live.start()
    live.events(ticks())
    live.state({"account": "a", "positions": [{"instrument": 1, "qty": 7}], "pnl": {"equity": 9}})
    live.risk([RiskRow(TS, "error", "X", 1, "", "")])
    wait_until(lambda: not live.reachable, 10)
    live.settings = settings
    wait_until(lambda: live.reachable, 10)
    live.stop()
    assert redis.hgetall(redis_state.quote_key(1))["bid"] == "100"
    assert redis.hgetall(redis_state.position_key("a", 1)) == {"qty": "7"}
    assert redis.xlen(redis_state.risk_stream()) == 1


def test_quotes_are_shed_before_trades_and_everything_is_counted(settings, monkeypatch):
    monkeypatch.setattr(warehouse, "_MAX_TICKS", 16)
    writer = Warehouse(settings)
    writer.events(ticks())
    writer.events(ticks())
    assert writer.shed == 0
    writer.events(ticks())
    assert writer.shed == 4
    writer.events(ticks())
    writer.events(ticks())
    assert writer.shed == 4 + 4 + 6
    assert writer.gauges()["shed"] == writer.shed


def test_dead_letters_keep_their_bytes(tmp_path):
    import base64
    import json

    letters = DeadLetters(Home(tmp_path), "s")
    letters.add(b"NOT_JSON\0<html>\xff\0")
    line = json.loads((Home(tmp_path).dead_letters / "s.jsonl").read_text())
    assert (line["reason"], base64.b64decode(line["frame"])) == ("NOT_JSON", b"<html>\xff\0")


def test_a_halt_survives_and_keeps_its_first_reason(tmp_path):
    home = Home(tmp_path / "new")
    assert halt.read(home) is None
    halt.write(home, "first")
    halt.write(home, "second")
    assert halt.read(home) == "first"
    home.halt.write_text("{")
    assert "damaged" in halt.read(home)
    assert halt.clear(home)
    assert not halt.clear(home)
    assert halt.read(home) is None
