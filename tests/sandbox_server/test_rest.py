"""The REST interface, asked without ccxt: candles and trades agree, refusals are Binance's, weights are counted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sandbox.server.intervals import next_open
from tests.sandbox_server.support import LIVELY, SECOND_KEY, WALL_START_NS, Rest, rest_client, until

QUIET = replace(LIVELY, speed=1.0, lag_s=0.0)
NOW_MS = WALL_START_NS // 10**6
HOUR_MS = 3_600_000


async def test_candles_of_all_intervals_agree_with_the_minutes():
    async with rest_client(QUIET) as rest:
        start = 1_700_000_000_000 // (24 * HOUR_MS) * 24 * HOUR_MS
        minutes = []
        for page in range(2):
            minutes += await rest.get("/fapi/v1/klines", symbol="ETHUSDT", interval="1m",
                                      startTime=start + page * 720 * 60_000, limit=720)
        assert [row[0] for row in minutes] == [start + 60_000 * n for n in range(1440)]
        for interval in ("3m", "15m", "1h", "4h", "12h", "1d"):
            rows = await rest.get("/fapi/v1/klines", symbol="ETHUSDT", interval=interval, startTime=start,
                                  endTime=start + 24 * HOUR_MS - 1, limit=1500)
            assert [row[0] for row in rows][:2] == [start, next_open(interval, start)][: len(rows)]
            for row in rows:
                inside = [minute for minute in minutes if row[0] <= minute[0] <= row[6]]
                assert row[1] == inside[0][1]
                assert row[4] == inside[-1][4]
                assert Decimal(row[2]) == max(Decimal(minute[2]) for minute in inside)
                assert Decimal(row[3]) == min(Decimal(minute[3]) for minute in inside)
                assert Decimal(row[5]) == sum(Decimal(minute[5]) for minute in inside)
                assert row[8] == sum(minute[8] for minute in inside)


async def test_long_candles_are_the_days_they_are_made_of_also_when_asked_twice():
    async with rest_client(QUIET) as rest:
        for interval in ("3d", "1w", "1M"):
            asked = {"symbol": "BNBUSDT", "interval": interval, "startTime": NOW_MS - 100 * 24 * HOUR_MS}
            rows = await rest.get("/api/v3/klines", **asked)
            assert rows[:-1] == (await rest.get("/api/v3/klines", **asked))[:-1]
            asked |= {"interval": "1d", "startTime": rows[0][0], "endTime": rows[-1][6]}
            days = await rest.get("/api/v3/klines", **asked, limit=1000)
            for row in rows[:-1]:
                inside = [day for day in days if row[0] <= day[0] <= row[6]]
                assert (row[1], row[4]) == (inside[0][1], inside[-1][4])
                assert Decimal(row[7]) == sum(Decimal(day[7]) for day in inside)
                assert row[8] == sum(day[8] for day in inside)


async def test_candle_pages_follow_on_each_other_and_end_now():
    async with rest_client(QUIET) as rest:
        last = await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=3)
        assert last[-1][0] == NOW_MS // 60_000 * 60_000
        cursor, seen = NOW_MS - 5 * HOUR_MS + 7, []
        while page := await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=cursor, limit=100):
            seen += [row[0] for row in page]
            cursor = page[-1][0] + 1
        assert seen == list(range(seen[0], seen[-1] + 1, 60_000))
        assert len(seen) == 300
        assert await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1M", startTime=NOW_MS - 70 * 24 * HOUR_MS,
                              limit=2) != []
        months = await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1M", limit=3)
        assert [row[0] for row in months] == [1_704_067_200_000, 1_706_745_600_000, 1_709_251_200_000]
        before_all = await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1d", endTime=1_500_000_000_000)
        assert before_all == []
        for start in (0, 1):
            first = await rest.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=start, limit=2)
            assert [row[0] for row in first] == [1_546_300_800_000, 1_546_300_860_000]


async def test_trades_make_the_candle_and_ids_are_consecutive():
    async with rest_client(QUIET) as rest:
        start = NOW_MS - 90 * 60_000
        trades = await rest.get("/api/v3/aggTrades", symbol="SOLUSDT", startTime=start, limit=1000)
        assert [row["a"] for row in trades] == list(range(trades[0]["a"], trades[0]["a"] + len(trades)))
        assert all(start <= row["T"] for row in trades)
        minute = -(-start // 60_000) * 60_000
        inside = [row for row in trades if minute <= row["T"] < minute + 60_000]
        candle = (await rest.get("/api/v3/klines", symbol="SOLUSDT", interval="1m", startTime=minute, limit=1))[0]
        assert (candle[1], candle[4], candle[8]) == (inside[0]["p"], inside[-1]["p"], len(inside))
        assert Decimal(candle[5]) == sum(Decimal(row["q"]) for row in inside)
        again = await rest.get("/api/v3/historicalTrades", symbol="SOLUSDT", fromId=inside[0]["a"], limit=len(inside))
        assert [row["id"] for row in again] == [row["a"] for row in inside]
        span = await rest.get("/api/v3/aggTrades", symbol="SOLUSDT", startTime=minute, endTime=minute + 59_999)
        assert [row["a"] for row in span] == [row["a"] for row in inside]
        oldest = await rest.get("/api/v3/aggTrades", symbol="SOLUSDT", startTime=0, limit=5)
        assert [row["a"] for row in oldest] == [0, 1, 2, 3, 4]


async def test_refusals_carry_binances_numbers():
    async with rest_client(QUIET) as rest:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                 "price": "40000"}

        async def code(method: str, path: str, **params: object) -> tuple[int, int]:
            answer = await rest.signed(method, path, **params)
            return answer.status, answer.body["code"]

        assert await code("POST", "/api/v3/order", **order | {"symbol": "NOPE"}) == (400, -1121)
        assert await code("POST", "/api/v3/order", **order | {"side": "HOLD"}) == (400, -1117)
        assert await code("POST", "/api/v3/order", **order | {"type": "STOP_MARKET"}) == (400, -1116)
        assert await code("POST", "/api/v3/order", **order | {"price": "4e4"}) == (400, -1100)
        assert await code("POST", "/api/v3/order", **order | {"price": "40000.001"}) == (400, -1111)
        assert await code("POST", "/api/v3/order", **order | {"quantity": "0.00001"}) == (400, -1013)
        assert await code("POST", "/api/v3/order", **order | {"newClientOrderId": "no blanks"}) == (400, -1100)
        assert await code("GET", "/api/v3/order", symbol="BTCUSDT", orderId=99) == (400, -2013)
        assert await code("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=99) == (400, -2011)
        assert await code("GET", "/api/v3/order", symbol="BTCUSDT") == (400, -1102)
        assert await code("POST", "/fapi/v1/order", **order | {"type": "STOP_MARKET", "stopPrice": 1}) == (400, -4120)
        assert await code("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED") == (400, -4046)
        assert await code("GET", "/api/v3/nothing") == (404, -5000)
        assert (await rest.ask("GET", "/api/v3/klines", symbol="BTCUSDT", interval="7m")).body["code"] == -1120


async def test_keys_signatures_and_timestamps_are_checked():
    async with rest_client(QUIET) as rest:
        now = rest.server.venue.wall_ns() // 10**6
        assert (await rest.signed("GET", "/api/v3/account")).status == 200
        assert (await rest.ask("GET", "/api/v3/account", timestamp=now, signature="00")).body["code"] == -1022
        assert (await rest.ask("GET", "/api/v3/account", timestamp=now)).body["code"] == -1102
        assert (await rest.signed("GET", "/api/v3/account", timestamp=now - 6_000)).body["code"] == -1021
        assert (await rest.signed("GET", "/api/v3/account", timestamp=now - 6_000, recvWindow=9_000)).status == 200
        assert (await rest.signed("GET", "/api/v3/account", timestamp=now + 2_000)).body["code"] == -1021
        stranger = Rest(rest.server, rest.session, replace(SECOND_KEY, key="stranger"))
        answer = await stranger.signed("GET", "/api/v3/account")
        assert (answer.status, answer.body["code"]) == (401, -2015)


async def test_accounts_are_apart():
    async with rest_client(QUIET) as rest:
        other = Rest(rest.server, rest.session, SECOND_KEY)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        bought = await rest.signed("POST", "/api/v3/order", **order)
        assert bought.body["status"] == "FILLED"
        assert Decimal(bought.body["fills"][0]["commission"]) > 0
        assert (await other.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).body == []
        accounts = [(await who.signed("GET", "/api/v3/account")).body for who in (rest, other)]
        mine, theirs = [{row["asset"]: Decimal(row["free"]) for row in account["balances"]} for account in accounts]
        assert mine["BTC"] > theirs["BTC"]
        assert mine["USDT"] < theirs["USDT"]


async def test_a_client_id_is_refused_while_its_order_is_open_and_free_afterwards():
    async with rest_client(QUIET) as rest:
        price = str(int(float((await rest.get("/api/v3/ticker/price", symbol="BTCUSDT"))["price"]) * 0.9))
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                 "price": price, "newClientOrderId": "mine-1"}
        first = await rest.signed("POST", "/api/v3/order", **order)
        second = await rest.signed("POST", "/api/v3/order", **order)
        assert (second.status, second.body) == (400, {"code": -2010, "msg": "Duplicate order sent."})
        await rest.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine-1")
        third = await rest.signed("POST", "/api/v3/order", **order)
        assert third.body["orderId"] > first.body["orderId"]
        found = await rest.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine-1")
        assert found.body["orderId"] == third.body["orderId"]


async def test_weights_are_counted_then_429_then_418():
    async with rest_client(replace(QUIET, spot_weight=30, ban_after=2)) as rest:
        first = await rest.ask("GET", "/api/v3/ping")
        used = int(first.headers["X-MBX-USED-WEIGHT-1M"])
        assert int((await rest.ask("GET", "/api/v3/exchangeInfo")).headers["X-MBX-USED-WEIGHT-1M"]) == used + 20
        late = [await rest.ask("GET", "/api/v3/trades", symbol="BTCUSDT") for _ in range(4)]
        assert [answer.status for answer in late] == [429, 429, 418, 418]
        assert late[0].body["code"] == -1003
        assert 0 < int(late[0].headers["Retry-After"]) <= 60
        assert 60 < int(late[-1].headers["Retry-After"]) <= 120
        assert (await rest.ask("GET", "/fapi/v1/ping")).status == 200


async def test_order_counts_are_told_and_limited():
    async with rest_client(QUIET) as rest:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
        counts = [(await rest.signed("POST", "/fapi/v1/order", **order)).headers for _ in range(2)]
        assert [headers["X-MBX-ORDER-COUNT-1M"] for headers in counts] == ["1", "2"]
        assert "X-MBX-ORDER-COUNT-10S" in counts[0]


async def test_cancel_replace_tells_both_halves():
    async with rest_client(QUIET) as rest:
        price = int(float((await rest.get("/api/v3/ticker/price", symbol="BTCUSDT"))["price"]) * 0.9)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
        resting = (await rest.signed("POST", "/api/v3/order", **order, price=price)).body
        path, stop = "/api/v3/order/cancelReplace", {"cancelReplaceMode": "STOP_ON_FAILURE"}
        done = await rest.signed("POST", path, **order, **stop, price=price - 5, cancelOrderId=resting["orderId"])
        assert (done.body["cancelResult"], done.body["newOrderResult"]) == ("SUCCESS", "SUCCESS")
        again = await rest.signed("POST", path, **order, **stop, price=price, cancelOrderId=resting["orderId"])
        assert (again.status, again.body["code"]) == (400, -2022)
        assert again.body["data"]["newOrderResult"] == "NOT_ATTEMPTED"
        new_id = done.body["newOrderResponse"]["orderId"]
        half = await rest.signed("POST", path, **order | {"quantity": "900"}, **stop, price=price, cancelOrderId=new_id)
        assert (half.status, half.body["code"], half.body["data"]["cancelResult"]) == (409, -2021, "SUCCESS")
        assert (await rest.signed("GET", "/api/v3/openOrders")).body == []


async def test_conditional_futures_orders_wait_behind_the_algo_endpoints():
    async with rest_client(QUIET) as rest:
        price = float((await rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT"))["markPrice"])
        assert (await rest.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET",
                                  quantity="0.01")).body["status"] == "FILLED"
        stop = await rest.signed("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
                                 type="STOP_MARKET", triggerPrice=int(price * 0.8), closePosition="true")
        assert stop.body["algoStatus"] == "NEW"
        assert (await rest.signed("GET", "/fapi/v1/openOrders")).body == []
        assert [row["algoId"] for row in (await rest.signed("GET", "/fapi/v1/openAlgoOrders")).body] == [
            stop.body["algoId"]
        ]
        await rest.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        assert len((await rest.signed("GET", "/fapi/v1/openAlgoOrders")).body) == 1
        gone = await rest.signed("DELETE", "/fapi/v1/algoOrder", algoId=stop.body["algoId"])
        assert gone.body["code"] == "200"
        found = await rest.signed("GET", "/fapi/v1/algoOrder", algoId=stop.body["algoId"])
        assert found.body["algoStatus"] == "CANCELED"


async def test_the_dead_mans_switch_goes_off_unless_asked_again():
    async with rest_client(QUIET) as rest:
        price = int(float((await rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT"))["markPrice"]) * 0.97)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
        await rest.signed("POST", "/fapi/v1/order", **order, price=price)
        switch = "/fapi/v1/countdownCancelAll"
        assert (await rest.signed("POST", switch, symbol="BTCUSDT", countdownTime=60_000)).status == 200
        assert len((await rest.signed("GET", "/fapi/v1/openOrders")).body) == 1
        await rest.signed("POST", switch, symbol="BTCUSDT", countdownTime=50)

        async def none_left() -> bool:
            return (await rest.signed("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")).body == []

        await until(none_left)


async def test_funding_and_open_interest_have_a_past():
    async with rest_client(QUIET) as rest:
        start = NOW_MS - 10 * 24 * HOUR_MS
        rates = await rest.get("/fapi/v1/fundingRate", symbol="ETHUSDT", startTime=start, limit=1000)
        assert [row["fundingTime"] for row in rates] == list(
            range(-(-start // (8 * HOUR_MS)) * 8 * HOUR_MS, NOW_MS, 8 * HOUR_MS)
        )
        assert await rest.get("/fapi/v1/fundingRate", symbol="ETHUSDT", limit=5) == rates[-5:]
        oldest = await rest.get("/fapi/v1/fundingRate", symbol="ETHUSDT", startTime=0, limit=2)
        assert [row["fundingTime"] for row in oldest] == [1_546_300_800_000 + n * 8 * HOUR_MS for n in (1, 2)]
        both = await rest.get("/fapi/v1/fundingRate", startTime=start, limit=7)
        assert len(both) == 7
        interest = await rest.get("/futures/data/openInterestHist", symbol="ETHUSDT", period="1h", limit=4)
        hour = NOW_MS // HOUR_MS * HOUR_MS
        assert [row["timestamp"] for row in interest] == [hour - n * HOUR_MS for n in (3, 2, 1, 0)]
        index = await rest.get("/fapi/v1/premiumIndex", symbol="ETHUSDT")
        assert index["lastFundingRate"] == rates[-1]["fundingRate"]
        assert index["nextFundingTime"] == rates[-1]["fundingTime"] + 8 * HOUR_MS


async def test_batches_answer_each_order_in_its_place():
    async with rest_client(QUIET) as rest:
        price = int(float((await rest.get("/fapi/v1/premiumIndex", symbol="BTCUSDT"))["markPrice"]) * 0.97)
        good = '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"PRICE"}'
        good = good.replace("PRICE", str(price))
        bad = good.replace("0.01", "0.0001")
        made = await rest.signed("POST", "/fapi/v1/batchOrders", batchOrders=f"[{good},{bad}]")
        assert made.body[0]["status"] == "NEW"
        assert made.body[1]["code"] < 0
        gone = await rest.signed("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT",
                                 orderIdList=f"[{made.body[0]['orderId']},77]")
        assert gone.body[0]["status"] == "CANCELED"
        assert gone.body[1]["code"] == -2011
