"""The JSON object that a benchmark prints, and what a run was measured on."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.settings import PROJECT


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside its goal and its baseline; None where there is none."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: str = "lower"
    baseline: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is printed; `ratio` is value over baseline."""
        ratio = round(self.value / self.baseline, 3) if self.baseline else None
        figures = {name: _figures(getattr(self, name)) for name in ("value", "goal", "baseline")}
        return asdict(self) | figures | {"ratio": ratio}


def rates(name: str, ours: Sequence[float], plain: Sequence[float], least: float) -> list[Result]:
    """Rows/s of interleaved repetitions: the median, whose goal is `least` times the baseline's, and the slowest."""
    usual, base = statistics.median(ours), statistics.median(plain)
    return [
        Result(name, usual, "rows/s", least * base, "higher", base),
        Result(f"{name}_slowest", min(ours), "rows/s", None, "higher", min(plain)),
    ]


def as_json(bench: str, results: Sequence[Result], load_before: tuple[float, ...]) -> dict[str, Any]:
    """The whole object."""
    return {
        "bench": bench, "revision": revision(), "machine": machine(load_before),
        "results": [result.as_dict() for result in results],
    }  # fmt: skip


def revision() -> str:
    """The commit, short; "unknown" outside of a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def machine(load_before: tuple[float, ...]) -> dict[str, Any]:
    """Processor, cores, memory, Python, and how busy it was before and after."""
    models = (line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    averages = {"before": [round(one, 2) for one in load_before], "after": [round(one, 2) for one in os.getloadavg()]}
    return {
        "cpu": next(models, "unknown"), "cores": os.cpu_count(), "memory_gb": round(_kilobytes("MemTotal") / 1e6, 1),
        "python": sys.version.split()[0], "load_average": averages,
    }  # fmt: skip


def memory_free() -> int:
    """Bytes that may be used without swapping; 0 where the system does not tell."""
    return int(_kilobytes("MemAvailable") * 1024)


def _kilobytes(name: str) -> float:
    return next((float(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith(f"{name}:")), 0.0)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _figures(value: float | None) -> float | None:
    """Four significant figures: more would be noise."""
    return None if value is None else float(f"{value:.4g}")
