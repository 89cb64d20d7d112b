"""What can be wrong with a measurement."""

from __future__ import annotations

from infra.errors import ErrorCode


class BenchCode(ErrorCode):
    """Codes of the benchmarks of history."""

    BENCH_SIDES_DIFFER = (
        "the measured way and its baseline did not do the same work, so their ratio means nothing",
        "look at the two figures: one side lost, doubled or refused rows",
    )
    BENCH_PROCESS_FAILED = "a process of the benchmark failed", "read what it said; nothing was measured"
