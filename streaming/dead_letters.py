"""Frames that no decoder understood, kept with their bytes: `dead_letters/<session>.jsonl`."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass

from infra.home import Home

MAX_BYTES = 256 << 20  # of one session; a venue that sends nothing but garbage must not fill the disk


@dataclass(slots=True)
class DeadLetters:
    """Appends one line a frame: time, reason, base64."""

    home: Home
    session: str
    written: int = 0

    def add(self, body: bytes) -> None:
        """Takes `reason NUL frame`; past 256 MB a session only the counter goes on."""
        reason, _, frame = body.partition(b"\0")
        line = json.dumps(
            {"ts": time.time_ns(), "reason": reason.decode(errors="replace"), "frame": base64.b64encode(frame).decode()}
        )
        self.written += len(line) + 1
        if self.written > MAX_BYTES:
            return
        self.home.dead_letters.mkdir(parents=True, exist_ok=True)
        with (self.home.dead_letters / f"{self.session}.jsonl").open("a") as file:
            file.write(line + "\n")
