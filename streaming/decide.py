"""decide: views to targets, by every configured strategy in turn."""

from __future__ import annotations

from collections.abc import Sequence

from signals.strategies.protocol import Strategy
from streaming.batch import Batch


class Decide:
    """All strategies of the shard."""

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self._strategies = list(strategies)

    def __call__(self, batches: list[Batch]) -> list[Batch]:
        """The same batches with what the strategies now ask for."""
        for batch in batches:
            for view in batch.views:
                for strategy in self._strategies:
                    target = strategy.decide(view)
                    if target is not None:
                        batch.targets.append(target)
        return batches
