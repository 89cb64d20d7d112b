"""Verdicts and rejected rows into ClickHouse: by instrument and day, which Dagster does not keep for a range."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from store import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clickhouse_connect.driver.client import Client

    from quality.gate import Finding


def findings(client: Client, dataset: str, venue: str, found: Sequence[Finding], run_id: str) -> int:
    """Number of verdicts written to `quality_results`, one a rule and day."""
    if not found:
        return 0
    frame = pl.DataFrame(
        {
            "dataset": dataset, "venue": venue,
            "instrument": [finding.instrument for finding in found],
            "day": [finding.day for finding in found],
            "check_name": [finding.rule for finding in found],
            "severity": pl.Series([int(finding.severity) for finding in found], dtype=pl.Int8),
            "passed": [finding.passed for finding in found],
            "observed": [finding.observed for finding in found],
            "expected": [finding.expected for finding in found],
            "failing_rows": [finding.failing_rows for finding in found],
            "run_id": run_id,
        }
    )
    return writer.insert(client, "quality_results", frame)


def quarantine(
    client: Client, dataset: str, venue: str, rows: pl.DataFrame, reasons: pl.DataFrame, run_id: str,
    raw: Callable[[pl.DataFrame], list[str]] | None = None,
) -> int:
    """Number of rejected rows kept in `quarantine`, whole: as `raw` says the source wrote them, else as JSON.

    `rows` is the frame that was judged, `reasons` the verdict's `row, reason`; a row with two reasons is kept twice.
    """
    if reasons.is_empty():
        return 0
    bad = reasons.join(rows.with_row_index("row"), on="row", how="left")
    whole = bad.drop("row", "reason")
    payload = raw(whole) if raw else [json.dumps(row, default=str) for row in whole.iter_rows(named=True)]
    key = "trade_id" if "trade_id" in bad.columns else "ts_event"
    return writer.insert(
        client,
        "quarantine",
        bad.select(
            pl.lit(dataset).alias("dataset"), pl.lit(venue).alias("venue"), "instrument", "day", "reason",
            pl.col(key).cast(pl.String).alias("row_key"), "source", pl.lit(run_id).alias("run_id"),
        ).with_columns(payload=pl.Series(payload, dtype=pl.String)),
    )
