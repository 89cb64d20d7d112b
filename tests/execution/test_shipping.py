from __future__ import annotations

import json
from pathlib import Path

from execution.messages import Report, Standing, encode
from execution.oms import Oms
from execution.shipping import Shipper
from ledger.intent import Share
from ledger.order import Liquidity, OrderEvent, OrderEventKind
from market.events import Side
from tests.execution.kit import BTC, ETH, intent

K = OrderEventKind


def trade(folder: Path) -> Oms:
    oms = Oms.open(folder, [BTC, ETH], "main")
    oms.on_message(encode(Standing(0, 0, True, "", [], [])), 0)
    sent = intent(1, qty=10, strategy="", shares=(Share("ml", 7), Share("momentum", 3)), now=5)
    oms.submit(sent)
    oms.deny(intent(2), "POSITION_LIMIT", 6)
    for event in (
        OrderEvent(K.SUBMITTED, sent.order_id, 7),
        OrderEvent(K.ACCEPTED, sent.order_id, 8, venue_order_id="v"),
        OrderEvent(K.FILL, sent.order_id, 9, trade_id="1", price=999_000, qty=4, fee=5, fee_asset="USDT",
                   liquidity=Liquidity.TAKER),
        OrderEvent(K.FILL, sent.order_id, 9, trade_id="1", price=999_000, qty=4, fee=5, fee_asset="USDT"),
        OrderEvent(K.FILL, "by-hand", 10, trade_id="2", price=999_000, qty=1, instrument=2, side=Side.SELL),
    ):
        oms.on_report(Report(oms.last_report + 1, 20 + oms.last_report, event))
    return oms


def test_the_journal_becomes_rows(tmp_path: Path) -> None:
    oms = trade(tmp_path)
    rows = Shipper(tmp_path, [BTC, ETH], "main").poll()
    assert rows.last_seq == oms.journal_seq == 7
    told = [(row["journal_seq"], row["event"], row["state"], row["filled"]) for row in rows.order_events]
    assert told == [
        (1, "released", "released", 0), (2, "denied", "denied", 0), (3, "submitted", "submitted", 0),
        (4, "accepted", "accepted", 0), (5, "fill", "partially_filled", 4),
    ]
    assert rows.order_events[1]["reason"] == "POSITION_LIMIT"
    assert json.loads(rows.order_events[4]["payload"])["body"]["liquidity"] == "taker"
    assert len({row["hash"] for row in rows.order_events}) == 5
    one, other = rows.fills
    assert (one["trade_id"], one["side"], one["qty"], one["liquidity"], one["ts_known"]) == ("1", "buy", 4, "taker", 22)
    assert (other["instrument"], other["side"], other["strategy"]) == (2, "sell", "external")
    held = {(row["instrument"], row["strategy"]): row["qty"] for row in rows.positions}
    assert held == {(1, ""): 4, (1, "ml"): 3, (1, "momentum"): 1, (2, ""): -1, (2, "external"): -1}


def test_rows_are_shipped_once_however_often_the_shipper_starts(tmp_path: Path) -> None:
    trade(tmp_path)
    whole = Shipper(tmp_path, [BTC, ETH], "main").poll()
    parts = Shipper(tmp_path, [BTC, ETH], "main")
    first = parts.poll(limit=3)
    again = Shipper(tmp_path, [BTC, ETH], "main", shipped_seq=first.last_seq)
    rest = again.poll()
    assert first.order_events + rest.order_events == whole.order_events
    assert first.fills + rest.fills == whole.fills
    assert first.positions + rest.positions == whole.positions
    assert again.poll() == ([], [], [], 0)
