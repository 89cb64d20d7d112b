"""What the compiled decoder notes of a message while it reads: whole numbers as values, strings as their place."""

from __future__ import annotations

import numpy as np

EVENT, SYMBOL, EVENT_TIME, TIME, TRADE_ID, PRICE, QTY, MAKER, FIRST, LAST_ID, PREVIOUS = range(11)
B, A, B_QTY, A_QTY, INDEX, RATE, A_WHOLE, FRAME_END = range(11, 19)  # what `b` and `a` are depends on the message
COUNT = 19
NONE = -1      # not in the message
DECLINED = -1  # not plain: the exact decoder decides

KEY_OF = np.full(256, NONE, dtype=np.int64)
for _letter, _field in (
    ("e", EVENT), ("s", SYMBOL), ("E", EVENT_TIME), ("T", TIME), ("t", TRADE_ID), ("p", PRICE), ("q", QTY),
    ("m", MAKER), ("U", FIRST), ("u", LAST_ID), ("b", B), ("a", A), ("B", B_QTY), ("A", A_QTY), ("i", INDEX),
    ("r", RATE),
):
    KEY_OF[ord(_letter)] = _field
