from __future__ import annotations

import pytest

from signals.strategies.trigger import wish


@pytest.mark.parametrize(
    ("score", "held", "wished"),
    [
        (0.9, 0.0, 0.0), (1.0, 0.0, 2.0), (-1.0, 0.0, -2.0),           # entering
        (0.5, 2.0, 2.0), (0.25, 2.0, 2.0), (0.24, 2.0, 0.0),           # staying takes less
        (-0.5, -2.0, -2.0), (-0.24, -2.0, 0.0), (0.3, -2.0, 0.0),
        (-1.5, 2.0, -2.0), (1.5, -2.0, 2.0),                           # turning round at once
    ],
)  # fmt: skip
def test_entering_takes_more_than_staying(score: float, held: float, wished: float) -> None:
    assert wish(score, held, units=2.0, enter=1.0, leave=0.25) == wished
