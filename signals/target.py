"""What a strategy asks for: a position in risk units, never in coins or money."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Wanted position of one strategy in one instrument; it stands until the next one."""

    strategy: str
    instrument: int
    risk_units: float  # -1 (full short) .. 1 (full long); 0 is flat
    ts: int            # ns, event time of what led to it
    cause: str         # signal or model version, e.g. "momentum z=1.9" or "ml v3 x=0.8"
