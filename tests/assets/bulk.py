"""Bulk files for tests: a publisher's folder with a file a day, and ingests of it through Dagster."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta
from pathlib import Path

import dagster as dg

from assets.ingest import definitions as ingest
from assets.resources import ClickHouse, Sources
from orchestration import partitions
from store import ingest_log, instruments
from tests.assets.tape import DAY_NS, FIRST, SYMBOLS, Tape, day_ns
from venues.catalogue import Files

DAYS = tuple(FIRST + timedelta(days=number) for number in range(4))
HOUR_NS = 3_600_000_000_000


class Publisher:
    """Hourly bars as Binance publishes them: zips with their checksums, or plain CSV."""

    def __init__(self, folder: Path, client, symbols=SYMBOLS[:1], **changes) -> None:
        self.folder = folder
        self.client = client
        self.instance = dg.DagsterInstance.ephemeral()
        self.lives = instruments.record(client, Tape().instruments(symbols))
        self.entry = Files(**{
            "name": "klines", "venue": "binance", "format": "binance_klines", "symbols": symbols,
            "path": f"{folder}/{{venue_symbol}}-1h-{{day}}.csv", **changes,
        })

    def path(self, day, symbol=SYMBOLS[0], suffix=".csv") -> Path:
        return self.folder / f"{symbol[:3]}USDT-1h-{day}{suffix}"

    def publish(self, *days, symbol=SYMBOLS[0], text=None) -> None:
        for day in days:
            self.path(day, symbol).write_text(text or klines(day))

    def zipped(self, *days, symbol=SYMBOLS[0]) -> None:
        """With a checksum beside it, as `sha256sum` writes it."""
        for day in days:
            path = self.path(day, symbol, ".zip")
            path.write_bytes(packed(klines(day), f"{path.stem}.csv"))
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()
            Path(f"{path}.CHECKSUM").write_text(f"{checksum}  {path.name}\n")

    def backfill(self, first=DAYS[0], last=DAYS[-1], *, recheck=False, sources=None) -> dg.ExecuteInProcessResult:
        asset = ingest.asset(ingest.files(self.entry), partitions.daily(FIRST))
        definitions = dg.Definitions(
            assets=[asset], executor=dg.in_process_executor,
            resources={"clickhouse": ClickHouse(), "sources": sources or Sources()},
        )
        return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance, raise_on_error=False,
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
            run_config={"ops": {f"binance__{self.entry.name}": {"config": {"recheck": recheck}}}},
        )

    def states(self, label="bars_1h", instrument=None) -> dict:
        """State by day, of the first life unless another is named."""
        mine = instrument or self.lives[0].id
        found = ingest_log.states(self.client, label, "binance", FIRST, FIRST + timedelta(days=30))
        return {day: state.label for (life, day), state in sorted(found.items()) if life == mine}

    def rows(self, table="bars") -> int:
        return self.client.command(f"SELECT count() FROM {table}")  # noqa: S608 - a test's own words

    def quarantined(self) -> list[tuple[str, str]]:
        """Reason and payload of each quarantined row."""
        return self.client.query("SELECT reason, payload FROM quarantine ORDER BY day, reason").result_rows


def klines(day, hours=range(24), unit=1_000_000, price=50_000) -> str:
    """Lines of hourly klines of the day; `unit` is ns of a stamp's step."""
    lines = []
    for hour in hours:
        start = day_ns(day) + hour * HOUR_NS
        at = price + hour
        prices = f"{at}.10,{at}.90,{at - 1}.50,{at}.20"
        end = (start + HOUR_NS) // unit - 1
        lines.append(f"{start // unit},{prices},1.500,{end},75000.0,120,0.7,35000.0,0")
    return "\n".join(lines) + "\n"


def packed(text: str, name: str) -> bytes:
    """A zip with one member."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return memory.getvalue()


def materialised(publisher: Publisher) -> list[str]:
    return sorted(publisher.instance.get_materialized_partitions(dg.AssetKey(["binance", publisher.entry.name])))


__all__ = ["DAYS", "DAY_NS", "Publisher", "klines", "materialised", "packed"]
