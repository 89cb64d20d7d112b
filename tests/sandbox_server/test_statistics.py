"""Statistics of perpetuals: the same whenever they are asked for, in pages that follow on each other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.sandbox_server.support import LIVELY, WALL_START_NS, rest_client

QUIET = replace(LIVELY, speed=1.0, lag_s=0.0)
START = WALL_START_NS // 10**6 // 86_400_000 * 86_400_000 - 86_400_000
RATIO, INTEREST = "/futures/data/globalLongShortAccountRatio", "/futures/data/openInterestHist"


async def test_ratios_are_what_they_say():
    async with rest_client(QUIET) as rest:
        rows = await rest.get(RATIO, symbol="BTCUSDT", period="5m", startTime=START, limit=288)
        assert [row["timestamp"] for row in rows] == [START + 300_000 * n for n in range(288)]
        for row in rows:
            long, short = Decimal(row["longAccount"]), Decimal(row["shortAccount"])
            assert long + short == 1
            assert Decimal(row["longShortRatio"]) == round(long / short, 4)
        assert len({row["longAccount"] for row in rows}) > 5


@pytest.mark.parametrize("path", [RATIO, INTEREST])
async def test_history_reads_the_same_in_pages_and_after_trades(path):
    async with rest_client(QUIET) as rest:
        asked = {"symbol": "ETHUSDT", "period": "1h"}
        whole = await rest.get(path, **asked, startTime=START, limit=20)
        await rest.signed("POST", "/fapi/v1/order", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="5")
        first = await rest.get(path, **asked, startTime=START, limit=7)
        rest_of_it = await rest.get(path, **asked, startTime=first[-1]["timestamp"] + 1, limit=13)
        assert first + rest_of_it == whole
        assert (await rest.ask("GET", path, symbol="ETHUSDT", period="7m")).status == 400
        assert await rest.get(path, **asked, startTime=START + 10 * 86_400_000) == []
