"""Funding for paper positions, from the venue's own rate and mark price."""

from __future__ import annotations

from dataclasses import dataclass

from execution.messages import CashKind, CashMove
from ledger.value import MONEY_SCALE, REPORT_SCALE, round_ratio, valuation
from market.events import Events, Kind
from market.funding import RATE_SCALE
from market.instrument import Instrument


@dataclass(slots=True)
class _Next:
    rate: int = 0
    at: int = 0      # ns
    mark: int = 0


class PaperFunding:
    """Pays when the announced time passes to the next one: what was last announced is what is settled."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self._lives = {life.id: life for life in instruments}
        self._next = {life.id: _Next() for life in instruments}

    def on_events(self, events: Events, positions: dict[int, int]) -> list[CashMove]:
        """The payments that fell due; a long pays a positive rate."""
        moves: list[CashMove] = []
        for event in events[(events["kind"] == Kind.FUNDING) | (events["kind"] == Kind.MARK)]:
            known = self._next.get(int(event["instrument"]))
            if known is None:
                continue
            if event["kind"] == Kind.MARK:
                known.mark = int(event["price"])
                continue
            at = int(event["aux"])
            if 0 < known.at < at and known.mark:
                life = self._lives[int(event["instrument"])]
                value = valuation(life).value(known.mark, positions.get(life.id, 0))
                amount = round_ratio(-abs(value) * known.rate, 10 ** (MONEY_SCALE - REPORT_SCALE + RATE_SCALE))
                amount = amount if positions.get(life.id, 0) > 0 else -amount
                if amount:
                    ref = f"paper-{life.id}-{known.at}"
                    moves.append(CashMove(CashKind.FUNDING, ref, known.at, life.settle, amount, life.id))
            known.rate, known.at = int(event["price"]), at
        return moves
