"""A flow that trades as fast as it can until it is killed: `python tests/faults/busy_flow.py JOURNAL SOCKET PRICE`."""

from __future__ import annotations

import sys
from pathlib import Path

from execution.oms import Oms
from ledger.intent import TimeInForce
from market.events import Side
from tests.execution.kit import BTC, ETH, Flow, intent


def main() -> None:
    journal, socket, price = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    flow = Flow(Oms.open(journal, [BTC, ETH], "main"), socket)
    flow.connect()
    flow.until(lambda: flow.oms.ready)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        seq = flow.oms.next_decision_seq
        side = Side.BUY if seq % 2 else Side.SELL
        if seq % 5 == 0:  # one that rests, to be cancelled a little later
            far = price * 99 // 100 if side == Side.BUY else price * 101 // 100
            made = intent(seq, side, 1 + seq % 3, far)
        else:
            near = price * 101 // 100 if side == Side.BUY else price * 99 // 100
            made = intent(seq, side, 1 + seq % 3, near, tif=TimeInForce.IOC)
        flow.send(flow.oms.submit(made))
        for order in flow.oms.all_open():
            if order.venue_order_id and seq - order.intent.decision_seq > 3:
                flow.send(flow.oms.cancel(order.intent.order_id, made.ts_decision))
        if not flow.step(0.002):
            return


if __name__ == "__main__":
    main()
