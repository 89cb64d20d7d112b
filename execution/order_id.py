"""Order ids: the same decision always has the same id, so that a repeat is recognised everywhere."""

from __future__ import annotations

from hashlib import blake2b


def make(portfolio: str, instrument: int, decision_seq: int, child: int) -> str:
    """Id of 31 characters [0-9a-z], starting with `t`: a 120-bit hash of the four, safe as a client order id."""
    text = f"{portfolio}\0{instrument}\0{decision_seq}\0{child}"
    return "t" + blake2b(text.encode(), digest_size=15).hexdigest()
