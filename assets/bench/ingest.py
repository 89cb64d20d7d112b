"""From file to ClickHouse: our whole way (format, checks, write, log) against read_csv and insert_arrow."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from assets.bench import made
from assets.bench.errors import BenchCode
from assets.bench.report import Result, rates
from assets.ingest import load, subjects, wanted
from assets.ingest.troubles import Terms
from infra.errors import TickhouseError
from market.dataset import Dataset
from venues.catalogue import Files
from venues.files.source import FileSource

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.bench.place import Place
    from market.instrument import Instrument

GOAL = 0.7
DAYS_AT_ONCE = 4  # daily files of trades in a repetition
_NANOSECONDS = pl.Datetime("ns", "UTC")
_TRADES = ("trade_id", "price", "qty", "first", "last", "ts_event", "maker", "best")
_BARS = ("ts_event", "open", "high", "low", "close", "volume", "closes", "quote", "count", "taker", "taker_quote", "no")


@dataclass(frozen=True, slots=True)
class Work:
    """Files that one repetition takes: those of `lives` on `days`."""

    entry: Files
    lives: Sequence[Instrument]
    days: list[date]
    files: Sequence[Path]
    rows: int


def measure(place: Place, *, repetitions: int, trades: int, symbols: int) -> list[Result]:
    """Trades in daily files of `trades` rows, bars in monthly files of `symbols` instruments; the sides alternate."""
    results = []
    for dataset, works in (
        (Dataset.TRADES, trade_works(place.files("trades"), repetitions, trades)),
        (Dataset.BARS, bar_works(place.files("bars"), repetitions, symbols)),
    ):
        plain = f"plain_{dataset}"
        place.client.command(f"CREATE TABLE {plain} AS {dataset}")
        through(place.client, works[0], place.folder)  # loads libraries, compiles
        plainly(place.client, dataset, plain, works[0])
        rounds = [_round(place, dataset, plain, work, number) for number, work in enumerate(works[1:])]
        _same(place.client, dataset, plain, sorted({life.id for work in works for life in work.lives}))
        results += rates(f"{dataset}_file_to_clickhouse", [one for one, _ in rounds], [two for _, two in rounds], GOAL)
    return results


def trade_works(folder: Path, repetitions: int, rows: int) -> list[Work]:
    """A few daily files of so many rows a repetition, as a backfill takes them, and a small one to warm up with."""
    entry = Files(name="trades", venue="bench", format="binance_aggtrades", symbols=("C1/USDT", "C2/USDT"),
                  path=f"{folder}/{{venue_symbol}}-aggTrades-{{day}}.zip")  # fmt: skip
    days = [made.FIRST + timedelta(days=number) for number in range(repetitions * DAYS_AT_ONCE)]
    works = [Work(entry, [made.life(2)], days[:1], [made.trades_file(folder, made.life(2), days[0], 2000)], 2000)]
    one = made.life(1)
    for at in range(0, len(days), DAYS_AT_ONCE):
        span = days[at : at + DAYS_AT_ONCE]
        files = [made.trades_file(folder, one, day, rows) for day in span]
        works.append(Work(entry, [one], span, files, rows * len(span)))
    return works


def bar_works(folder: Path, repetitions: int, symbols: int) -> list[Work]:
    """A month of some instruments a repetition, and one of one instrument to warm up with."""
    lives = [made.life(number) for number in range(11, 12 + symbols)]
    entry = Files(name="bars", venue="bench", format="binance_klines", symbols=tuple(one.symbol for one in lives),
                  path=f"{folder}/{{venue_symbol}}-1m-{{month}}.zip")  # fmt: skip
    works = []
    for number, month in enumerate(_months(repetitions + 1)):
        days = _days(month)
        mine = lives[:1] if number == 0 else lives[1:]
        files = [made.bars_file(folder, one, month) for one in mine]
        works.append(Work(entry, mine, days, files, len(mine) * len(days) * 1440))
    return works


def through(client: Client, work: Work, staging: Path) -> None:
    """Our way; BENCH_SIDES_DIFFER unless every day is published as complete."""
    source = FileSource(work.entry, staging / "staging")
    asked = wanted.of_symbols(subjects.of_files(work.entry), work.lives, work.entry.venue,
                              [one.symbol for one in work.lives], work.days)  # fmt: skip
    rows = 0
    for step in load.load(client, source, asked, Terms(), "bench", staging / "staging"):
        for trouble in step.troubles:
            raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, problem=str(trouble))
        for outcome in step.outcomes:
            if outcome.state.label != "complete":
                raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, day=outcome.day, state=outcome.state.label)
            rows += outcome.rows
    if rows != work.rows:
        raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, wanted=work.rows, published=rows)


def plainly(client: Client, dataset: Dataset, table: str, work: Work) -> None:
    """The baseline: unzip, read_csv, the columns of the table, insert_arrow. Nothing is checked, floats are rounded."""
    make = _plain_trades if dataset is Dataset.TRADES else _plain_bars
    lives = work.lives if len(work.lives) == len(work.files) else [work.lives[0]] * len(work.files)
    for file, life in zip(work.files, lives, strict=True):
        with zipfile.ZipFile(file) as archive:
            text = archive.read(archive.namelist()[0])
        frame = make(text).with_columns(instrument=pl.lit(life.id, dtype=pl.UInt32), source=pl.lit("plain"))
        client.insert_arrow(table, frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _plain_trades(text: bytes) -> pl.DataFrame:
    texts = {"maker": pl.String, "best": pl.String}
    frame = pl.read_csv(BytesIO(text), has_header=False, new_columns=list(_TRADES), schema_overrides=texts)
    when = (pl.col("ts_event") * 1000).cast(_NANOSECONDS)
    return frame.select(
        "trade_id", _integer("price", 2), _integer("qty", 5), ts_event=when, ts_known=when,
        side=pl.when(pl.col("maker") == "True").then(2).otherwise(1).cast(pl.Int8), flags=pl.lit(0, dtype=pl.UInt16),
    )


def _plain_bars(text: bytes) -> pl.DataFrame:
    frame = pl.read_csv(BytesIO(text), has_header=False, new_columns=list(_BARS))
    opens = pl.col("ts_event") * 1000
    return frame.select(
        *(_integer(name, 2) for name in ("open", "high", "low", "close")), _integer("volume", 5), "count",
        interval_s=pl.lit(60, dtype=pl.UInt32), ts_event=opens.cast(_NANOSECONDS),
        ts_known=(opens + 60_000_000_000).cast(_NANOSECONDS),
    )


def _integer(name: str, places: int) -> pl.Expr:
    scaled: pl.Expr = pl.col(name) * 10**places
    return scaled.round().cast(pl.Int64)


def _round(place: Place, dataset: Dataset, table: str, work: Work, number: int) -> tuple[float, float]:
    """Rows/s of both sides; each goes first every other time, the files are warm for both."""
    for file in work.files:
        file.read_bytes()
    spent = {}
    for side in ("ours", "plain") if number % 2 == 0 else ("plain", "ours"):
        began = time.perf_counter()
        if side == "ours":
            through(place.client, work, place.folder)
        else:
            plainly(place.client, dataset, table, work)
        spent[side] = time.perf_counter() - began
    return work.rows / spent["ours"], work.rows / spent["plain"]


def _same(client: Client, dataset: Dataset, table: str, lives: Sequence[int]) -> None:
    """BENCH_SIDES_DIFFER unless both tables hold the same rows of these instruments."""
    values = "price, qty, side" if dataset is Dataset.TRADES else "open, high, low, close, volume, count"
    sums = f"SELECT count(), sum(cityHash64(instrument, ts_event, {values})) FROM "  # noqa: S608 - names of ours
    where = "FINAL WHERE instrument IN {lives:Array(UInt32)}"
    ours, plain = (
        client.query(f"{sums}{name} {where}", parameters={"lives": list(lives)}).result_rows
        for name in (dataset, table)
    )
    if ours != plain:
        raise TickhouseError(BenchCode.BENCH_SIDES_DIFFER, dataset=dataset, ours=ours, plain=plain)


def _months(count: int) -> list[date]:
    months = [made.FIRST]
    while len(months) < count:
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return months


def _days(month: date) -> list[date]:
    following = (month + timedelta(days=32)).replace(day=1)
    return [month + timedelta(days=number) for number in range((following - month).days)]
