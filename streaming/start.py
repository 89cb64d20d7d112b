"""What a session starts from: the first entry of its input log, enough to build the same engine again."""

from __future__ import annotations

from typing import Any

import msgspec

from market.instrument import Instrument, TradingRules


class ModelRef(msgspec.Struct, frozen=True):
    """The champion that serves; the file must still have these bytes at a replay."""

    name: str
    version: int
    path: str
    sha256: str
    names: tuple[str, ...]       # features in the order of the model's columns
    prediction_std: float = 0.0

    @property
    def label(self) -> str:
        """How causes and predictions name it."""
        return f"{self.name} v{self.version}"


class DayMark(msgspec.Struct, frozen=True):
    """Journaled so that a restart keeps the day's loss and the peak; money in 10^-8."""

    day: int      # days since 1970, UTC
    profit: int   # of all time, when the day began for us
    peak: int     # the highest equity so far


class Start(msgspec.Struct, frozen=True):
    """Settings, limits and state of one session."""

    session: str
    ts: int
    venue: str
    account: str
    portfolio: str
    instruments: tuple[Instrument, ...]
    rules: tuple[TradingRules, ...]
    strategies: tuple[str, ...]
    feature_group: str
    feature_version: int
    limits: dict[str, Any]       # as parsed from config/risk_limits.toml
    model: ModelRef | None
    halted: str | None           # reason of the halt that stood at the start
    journal_seq: int             # last record of the order journal before the session
    day_mark: DayMark | None

    def encode(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)

    @staticmethod
    def decode(body: bytes) -> Start:
        """From JSON."""
        return msgspec.json.decode(body, type=Start)
