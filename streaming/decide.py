"""decide: views to targets, by every configured strategy in turn."""

from __future__ import annotations

from signals.strategies import registry
from streaming.batch import Batch


class Decide:
    """All strategies of the shard."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._strategies = [registry.create(name) for name in names]

    def __call__(self, batches: list[Batch]) -> list[Batch]:
        """The same batches with what the strategies now ask for."""
        for batch in batches:
            for view in batch.views:
                for strategy in self._strategies:
                    target = strategy.decide(view)
                    if target is not None:
                        batch.targets.append(target)
        return batches
