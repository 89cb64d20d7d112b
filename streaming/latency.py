"""Latencies in buckets an eighth of an octave wide: constant memory, one addition a sample."""

from __future__ import annotations

from dataclasses import dataclass, field

_SUB = 8


@dataclass(slots=True)
class Latency:
    """Counts of samples in nanoseconds; quantiles are right within 9 %."""

    counts: list[int] = field(default_factory=lambda: [0] * (64 * _SUB))
    total: int = 0
    sum_ns: int = 0

    def add(self, ns: int) -> None:
        """Takes a sample; what is below 8 ns counts as 8."""
        value = max(ns, _SUB)
        shift = value.bit_length() - 4
        self.counts[shift * _SUB + (value >> shift) - _SUB] += 1
        self.total += 1
        self.sum_ns += value

    def quantile(self, q: float) -> float | None:
        """Upper edge of the bucket that holds the quantile, in microseconds; None without samples."""
        if self.total == 0:
            return None
        wanted = q * self.total
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return self.edge_ns(index) / 1000.0
        return None

    @staticmethod
    def edge_ns(index: int) -> int:
        """Upper edge of a bucket."""
        return (_SUB + index % _SUB + 1) << (index // _SUB)
