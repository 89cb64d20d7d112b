"""Recorded files as the gate gets them: read by the formats that users name, with their day."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from market.dataset import Dataset, clock, conform
from market.instrument import Instrument, market_of
from quality import gate, suites
from quality.gate import Verdict
from quality.rule import Context, Severity
from venues import facts
from venues.files import registry
from venues.files.format import Opened

DAY_NS = 86_400_000_000_000


def life(venue: str, symbol: str = "BTC/USDT", price_scale: int = 8, qty_scale: int = 8) -> Instrument:
    base, quote = symbol.split(":", maxsplit=1)[0].split("/")
    return replace(
        market_of(venue), id=1, symbol=symbol, venue_symbol=base + quote, base=base, quote=quote,
        price_scale=price_scale, qty_scale=qty_scale,
    )


def read(
    file: Path, format_name: str, of: Instrument, wanted: Dataset, **options: Any
) -> pl.DataFrame:
    """Every row of the dataset in the file, with `day`."""
    content, name = file.read_bytes(), str(file)
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    if name.endswith(".zip"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        name, content = f"{name}/{archive.namelist()[0]}", archive.read(archive.namelist()[0])
    parts = registry.get(format_name).read(Opened(name, io.BytesIO(content), of, options))
    frames = [part.frame.with_columns(source=pl.lit("recorded")) for part in parts if part.dataset is wanted]
    return with_day(pl.concat(conform(frame, wanted) for frame in frames), wanted)


def with_day(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    return frame.with_columns(day=(pl.col(clock(dataset)) // DAY_NS).cast(pl.Int32).cast(pl.Date))


def every_day(frame: pl.DataFrame) -> pl.DataFrame:
    """Every day from the first to the last, also those without rows."""
    days = pl.date_range(frame["day"].min(), frame["day"].max(), eager=True)
    return pl.DataFrame({"instrument": pl.Series([1] * len(days), dtype=pl.UInt32), "day": days})


def judge(frame: pl.DataFrame, dataset: Dataset, of: Instrument, interval_s: int = 60, series: str = "") -> Verdict:
    context = Context(of, facts.of(of.venue), interval_s, series)
    return gate.judge(suites.get(dataset, context), frame, every_day(frame))


def accused(verdict: Verdict, severity: Severity) -> dict[str, int]:
    """Failing rows (or days) by rule of that severity."""
    found: dict[str, int] = {}
    for finding in verdict.findings:
        if not finding.passed and finding.severity is severity:
            found[finding.rule] = found.get(finding.rule, 0) + finding.failing_rows
    return found
