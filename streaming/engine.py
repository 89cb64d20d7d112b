"""The steps of one shard, built from the session's start alone: the same for the live flow and for a replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from execution.oms import Oms
from signals.strategies import registry
from signals.strategies.protocol import Strategy
from streaming.batch import Batch
from streaming.books import Books
from streaming.decide import Decide
from streaming.decode import Decode
from streaming.input_log import WakeUp
from streaming.start import ModelRef, Start
from streaming.track import Track
from streaming.trade import Trade
from venues.binance.codec import FastDecoder

ModelReader = Callable[[ModelRef], bytes]


@dataclass(slots=True)
class Engine:
    """decode -> track -> decide -> trade."""

    decode: Decode
    track: Track
    decide: Decide
    trade: Trade

    @classmethod
    def build(
        cls, start: Start, oms: Oms, read_model: ModelReader, strategies: Sequence[Strategy] | None = None
    ) -> Engine:
        """Fresh steps; `read_model` brings a model file's bytes, `strategies` stand in for the start's by name."""
        if strategies is None:
            strategies = [registry.create(name) for name in start.strategies]
        ticks = {rules.instrument: rules.tick for rules in start.rules}
        return cls(
            Decode(FastDecoder(start.instruments)),
            Track(start, Books(start.instruments, ticks), read_model),
            Decide(strategies),
            Trade(start, oms),
        )

    def run(self, wake: WakeUp) -> Batch:
        """One wake-up through all steps, as the flow does it."""
        return self.trade(self.decide(self.track(self.decode([wake]))))[0]
