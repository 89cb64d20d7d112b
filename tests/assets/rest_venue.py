"""A venue over HTTP for tests of outages: minute bars of two perpetuals, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dagster as dg

from assets.ingest import definitions as ingest
from assets.ingest.feeds import FEEDS
from assets.resources import ClickHouse
from orchestration import partitions
from tests.assets.tape import DAY_NS, FIRST, SYMBOLS, day_ns
from tests.venues.answers import Answer, Answers, Query
from tests.venues.test_ccxt_source import FAPI, HASTY, SYMBOL
from venues.ccxt_source import CcxtSource
from venues.exchange import make_exchange

MINUTE_MS = 60_000
NOW_MS = (day_ns(FIRST) + 9 * DAY_NS) // 1_000_000


class RestVenue:
    """Resource and server in one; `fault(query)` may give another answer than the healthy one."""

    def __init__(self, fault: Callable[[Query], Answer | None] = lambda _: None) -> None:
        self.fault = fault
        names = [symbol[:3] for symbol in SYMBOLS]
        listed = [SYMBOL | {"symbol": f"{name}USDT", "pair": f"{name}USDT", "baseAsset": name} for name in names]
        self.answers = Answers({
            f"{FAPI}/exchangeInfo": lambda _: Answer({"symbols": listed}),
            f"{FAPI}/time": lambda _: Answer({"serverTime": NOW_MS}),
            f"{FAPI}/klines": lambda query: self.fault(query) or Answer(klines(query)),
        })

    def rest(self, venue: str, symbols: Sequence[str]) -> CcxtSource:
        """As the resource does."""
        return CcxtSource(make_exchange("binance", self.answers.base), HASTY)

    def asked(self, name: str) -> int:
        """Requests for bars of this base currency."""
        return sum(path == f"{FAPI}/klines" and query["symbol"].startswith(name) for path, query in self.answers.asked)

    def job(self) -> dg.JobDefinition:
        return dg.Definitions(
            assets=ingest.build("binance", SYMBOLS, partitions.daily(FIRST), FEEDS[:1]),
            executor=dg.in_process_executor, resources={"clickhouse": ClickHouse(), "sources": self},
        ).resolve_implicit_global_asset_job_def()

    def run(self, *names: str, last) -> dg.ExecuteInProcessResult:
        tags = {"dagster/asset_partition_range_start": str(FIRST), "dagster/asset_partition_range_end": str(last)}
        return self.job().execute_in_process(
            instance=dg.DagsterInstance.ephemeral(), raise_on_error=False, tags=tags,
            asset_selection=[dg.AssetKey(["binance", name]) for name in names],
        )


def klines(query: Query) -> list[list[object]]:
    """A page as Binance gives it."""
    first = -(-int(query["startTime"]) // MINUTE_MS)
    last = min(int(query.get("endTime", NOW_MS)), NOW_MS - MINUTE_MS) // MINUTE_MS
    return [_kline(number) for number in range(first, min(first + int(query["limit"]), last + 1))]


def _kline(number: int) -> list[object]:
    ts, price = number * MINUTE_MS, 28_000 + number % 41
    return [ts, f"{price}.10", f"{price}.90", f"{price - 1}.50", f"{price}.20", "0.125", ts + MINUTE_MS - 1, "1", 7,
            "0", "0", "0"]
