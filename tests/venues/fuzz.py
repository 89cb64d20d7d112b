"""Seeded mutations of frames through both decoders and every kernel; run by a test with NUMBA_BOUNDSCHECK=1."""

from __future__ import annotations

import random
import sys

from market import bars
from market.book import Books
from signals.features import registry
from tests.venues.frames import HAND_MADE, both, instrument
from venues.binance.codec import ExactDecoder, FastDecoder

# Bytes that matter to a scanner of this JSON.
_LIKELY = b'"{}[]:,.0123456789-+eE\\ \x00\x7f\x80\xffsTmabBApu'


def mutate(rng: random.Random, frame: bytes) -> bytes:
    """One to four edits: replaced, removed, doubled, inserted, cut or spliced bytes."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1) if data else 0
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] = rng.choice(_LIKELY)
            case 1 if at < len(data):
                del data[at]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 24)]
            case 3:
                data[at:at] = bytes([rng.choice(_LIKELY)])
            case 4:
                del data[at : at + rng.randint(1, 40)]
            case 5 if rng.random() < 0.2:
                del data[at:]
            case _:
                other = rng.choice(HAND_MADE)
                start = rng.randrange(len(other))
                data[at:at] = other[start : start + rng.randint(1, 60)]
    return bytes(data)


def run(seed: int, count: int) -> tuple[int, int]:
    """How many mutated frames gave events and how many did not; fails where the decoders differ."""
    rng = random.Random(seed)
    listed = [instrument(), instrument("ETHUSDT", 0, 0, 2)]
    exact, fast, books = ExactDecoder(listed), FastDecoder(listed), Books([1, 2], places=64, far=8, pending=16)
    group, bar = registry.get("flow"), bars.new_state(1, 60)
    state = group.state(1)
    good = bad = 0
    for _ in range(count):
        frame = mutate(rng, rng.choice(HAND_MADE))
        number, events = both(exact, fast, frame)
        good, bad = good + (number > 0), bad + (number < 0)
        books.apply(events)
        books.best(1)
        bars.update(bar, events)
        registry.compute(group, state, events)
    return good, bad


if __name__ == "__main__":
    print(*run(int(sys.argv[1]), int(sys.argv[2])))
