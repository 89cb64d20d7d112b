"""Any table under a column map: CSV, Parquet, Arrow and SQLite give the same rows, and a wrong map says which key."""

import sqlite3

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset, conform
from tests.venues.files.reading import HOUR, life, read, times

T0 = 1_577_836_800 * 10**9
MAP = {"ts_event": "Date", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
ROWS = {"Date": ["2020-01-01 00:00", "2020-01-01 01:00"], "o": ["1.5", "2"], "h": ["3", "4"], "l": ["1", "1.25"],
        "c": ["2", "3"], "v": ["10", "0"], "pair": ["BTC", "ETH"]}
SUPERVIK = "supervik+historical-funding-rates-fetcher/data/BTC-USDT"
OCTOBOT = (
    "Drakkar-Software+OctoBot/octobot/strategy_optimizer/optimizer_data_files/"
    "AbstractExchangeHistoryCollector_1581774962.1269426.data"
)


def csv(rows=ROWS, separator=","):
    lines = [separator.join(rows), *(separator.join(cells) for cells in zip(*rows.values(), strict=True))]
    return ("\n".join(lines) + "\n").encode()


def only(content, **options):
    return read("columns_csv", content, "x.csv", **({"dataset": "bars", "columns": MAP, "interval_s": "1h"} | options))


@pytest.fixture
def containers(tmp_path):
    frame = pl.DataFrame(ROWS)
    typed = frame.with_columns(pl.col("o", "h", "l", "c", "v").cast(pl.Float64))
    typed.write_parquet(tmp_path / "x.parquet")
    typed.write_ipc(tmp_path / "x.feather")
    connection = sqlite3.connect(tmp_path / "x.sqlite")
    connection.execute("CREATE TABLE bars (Date TEXT, o REAL, h REAL, l REAL, c REAL, v REAL, pair TEXT)")
    connection.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)", frame.rows())
    connection.commit()
    connection.close()
    return tmp_path


def test_each_container_gives_the_same_rows(containers):
    expected = only(csv()).drop("line")
    assert expected["ts_event"].to_list() == [T0, T0 + HOUR]
    assert expected["open"].to_list() == [150_000_000, 200_000_000]
    for kind, more in (("parquet", {}), ("feather", {}), ("sqlite", {"table": "bars"})):
        found = read(f"columns_{kind}", containers / f"x.{kind}", dataset="bars", columns=MAP, interval_s=3_600, **more)
        assert found["line"].to_list() == [1, 2]
        assert found.drop("line").equals(expected), kind


def test_an_end_stamp_becomes_the_open():
    frame = only(csv(), stamp="end")
    assert frame["ts_event"].to_list() == [T0 - HOUR, T0]
    assert frame["ts_known"].to_list() == [T0, T0 + HOUR]


def test_a_month_ends_where_the_next_begins():
    frame = only(csv(ROWS | {"Date": ["2020-02-01 00:00", "2020-03-01 00:00"]}), interval_s="1M", stamp="end")
    assert times(frame) == ["2020-01-01 00:00:00", "2020-02-01 00:00:00"]
    assert times(frame, "ts_known") == ["2020-02-01 00:00:00", "2020-03-01 00:00:00"]


def test_only_the_wanted_rows():
    assert only(csv(), where={"pair": "ETH"})["ts_event"].to_list() == [T0 + HOUR]
    assert only(csv(), where={"pair": "DOGE"}).is_empty()
    assert only(csv(), symbol="pair")["symbol"].to_list() == ["BTC", "ETH"]


def test_a_symbol_written_another_way_is_the_same_symbol():
    for text in ("btcusdt", "BTC-USDT", "BTC_USDT", "XBT/USDT", "BTC/USDT"):
        assert only(csv(ROWS | {"pair": [text, "BTCUSD"]}), symbol="pair")["symbol"].to_list() == ["BTC/USDT", "BTCUSD"]


def test_a_file_without_header_numbers_its_columns():
    columns = {name: str(place) for place, name in enumerate(MAP, 1)}
    body = csv().split(b"\n", 1)[1]
    assert only(body, columns=columns, header=False).drop("line").equals(only(csv()).drop("line"))
    banner = b"made by hand\n" + body
    assert only(banner, columns=columns, header=False, banner=1)["line"].to_list() == [2, 3]


def test_a_banner_and_no_row_is_no_data():
    with pytest.raises(TickhouseError, match=r"FILE_NOT_DATA .*below 1 lines"):
        only(b"made by hand\nDate,o,h,l,c,v", banner=1)


@pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), ("|", "latin-1")])
def test_delimiters_and_encodings(separator, encoding):
    content = csv(separator=separator).decode().encode(encoding)
    assert only(content, delimiter=separator, encoding=encoding)["open"].to_list() == [150_000_000, 200_000_000]


def test_units_patterns_and_zones():
    stamps = {"s": "1577836800", "ms": "1577836800000", "us": "1577836800000000", "ns": "1577836800000000000",
              "auto": "1577836800000", "%d.%m.%Y %H:%M": "01.01.2020 00:00"}
    for how, text in stamps.items():
        assert only(csv(ROWS | {"Date": [text, text]}), time=how)["ts_event"].to_list() == [T0, T0]
    assert only(csv(), zone="UTC+03:00")["ts_event"].to_list() == [T0 - 3 * HOUR, T0 - 2 * HOUR]
    assert only(csv(), zone="America/New_York")["ts_event"].to_list() == [T0 + 5 * HOUR, T0 + 6 * HOUR]


def test_trades_with_and_without_ids():
    rows = {"t": ["1", "1", "2"], "p": ["5", "5", "6"], "q": ["1", "1", "2"], "s": ["Buy", "buy", "SELL"],
            "i": ["9", "10", "11"]}
    columns = {"ts_event": "t", "price": "p", "qty": "q", "side": "s"}
    options = {"dataset": "trades", "columns": columns, "time": "s", "interval_s": None}
    frame = only(csv(rows), **options)
    assert frame["side"].to_list() == [1, 1, 2]
    assert frame["trade_id"].n_unique() == 3  # two rows that agree in everything are two trades
    assert frame.equals(only(csv(rows), **options))
    assert only(csv(rows), **options | {"columns": columns | {"trade_id": "i"}})["trade_id"].to_list() == [9, 10, 11]
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*column=s .*options buy and sell"):
        only(csv(rows | {"s": ["b", "s", "?"]}), **options)
    maker = csv(rows | {"s": ["true", "false", "true"]})
    assert only(maker, **options, buy=["false"], sell=["true"])["side"].to_list() == [2, 1, 2]


def test_quotes_of_one_moment_keep_their_order():
    rows = {"t": ["1", "1", "2"], "a": ["1", "2", "3"], "b": ["3", "4", "5"]}
    columns = {"ts_event": "t", "bid_price": "a", "bid_qty": "b", "ask_price": "b", "ask_qty": "a"}
    frame = only(csv(rows), dataset="quotes", columns=columns, time="s", interval_s=None)
    assert frame.select("seq", "bid_price").rows() == [(0, 10**8), (1, 2 * 10**8), (0, 3 * 10**8)]


def test_every_dataset_fits_its_table():
    rows = {"t": ["1", "2"], "a": ["1", "2"], "b": ["3", "4"]}
    cases = {
        Dataset.QUOTES: {"bid_price": "a", "bid_qty": "b", "ask_price": "b", "ask_qty": "a"},
        Dataset.FUNDING_RATES: {"rate": "a", "mark_price": "b"},
        Dataset.OPEN_INTEREST: {"qty": "a"},
        Dataset.SERIES: {},
    }
    for dataset, columns in cases.items():
        more = {"series": {"ratio": "a", "count": "b"}, "lag_s": 3_600} if dataset is Dataset.SERIES else {}
        more |= {"dataset": str(dataset), "columns": {"ts_event": "t"} | columns}
        frame = only(csv(rows), time="s", interval_s=None, **more)
        fitted = conform(frame.with_columns(source=pl.lit("x")), dataset)
        assert fitted.columns == [*SCHEMAS[dataset], "line"]
        if dataset is Dataset.SERIES:
            values = frame.select("series", "value").rows()
            assert values == [("ratio", 1.0), ("ratio", 2.0), ("count", 3.0), ("count", 4.0)]
            assert (frame["ts_known"] - frame["ts_event"]).unique().to_list() == [HOUR]


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"columns": {"ts_event": "Date"}}, "missing open, high, low, close, volume"),
     ({"columns": MAP | {"vwap": "x"}}, "unknown vwap"), ({"time": "%Q"}, "no directive %Q"),
     ({"zone": "Mars"}, "IANA"), ({"stamp": "middle"}, "options.stamp"), ({"colums": {}}, "options.colums"),
     ({"dataset": None}, "options.dataset"),
     ({"dataset": "book_deltas"}, "cannot hold"),
     ({"encoding": "klingon"}, "options.encoding"), ({"encoding": "rot13"}, "options.encoding"),
     ({"series": {"a": "b"}}, "series"), ({"interval_s": "1x"}, "options.interval_s")],
)
def test_a_wrong_option_is_named(options, problem):
    with pytest.raises(TickhouseError, match="SOURCES_INVALID .*" + problem):
        only(csv(), **options)


def test_options_of_every_format_are_no_wrong_ones():
    assert only(csv(), member="*.csv", symbols={"BTC/USDT": "XBTUSDT"}).height == 2


def test_a_missing_column_is_named():
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*missing=weight found=Date, o, h, l, c, v, pair"):
        only(csv(), columns=MAP | {"volume": "weight"})


@pytest.mark.parametrize("cell", ["", "nan", "1,5", "inf", "1e400", "0x10", "1.000000001"])
def test_a_cell_that_is_no_exact_number_is_named(cell):
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=3 column=close"):
        only(csv(ROWS | {"c": ["2", cell]}, ";"), delimiter=";")


def test_sqlite_says_what_is_there(containers):
    with pytest.raises(TickhouseError, match=r"SOURCES_INVALID .*say which: bars"):
        read("columns_sqlite", containers / "x.sqlite", dataset="bars", columns=MAP)
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*missing=table candles found=bars"):
        read("columns_sqlite", containers / "x.sqlite", dataset="bars", columns=MAP, table="candles")
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*missing=w found="):
        read("columns_sqlite", containers / "x.sqlite", dataset="bars", columns=MAP | {"volume": "w"}, table="bars")
    options = {"dataset": "bars", "columns": MAP, "table": "bars", "interval_s": 3_600}
    found = read("columns_sqlite", containers / "x.sqlite", **options, filter="v > 1")
    assert found["line"].to_list() == [1]


def test_sqlite_is_never_written_and_a_broken_one_is_refused(containers):
    content = (containers / "x.sqlite").read_bytes()
    for broken in (content[:5_000], content[:200] + bytes(4_000) + content[4_200:], b"SQLite format 3\0"):
        with pytest.raises(TickhouseError, match="FILE_TRUNCATED"):
            read("columns_sqlite", broken, "x", dataset="bars", columns=MAP, table="bars", interval_s=3_600)
    with pytest.raises(TickhouseError, match="FILE_NOT_DATA"):
        read("columns_sqlite", b"<html>", "x", dataset="bars", columns=MAP, table="bars")
    options = {"dataset": "bars", "columns": MAP, "table": "bars"}
    with pytest.raises(TickhouseError, match="FILE_TRUNCATED"):
        read("columns_sqlite", containers / "x.sqlite", **options, filter="1); DROP TABLE bars; --")
    assert (containers / "x.sqlite").read_bytes() == content


FUNDING = {"dataset": "funding_rates", "columns": {"ts_event": "Date", "rate": "Funding Rate"}, "symbol": "Symbol"}


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("venue", "zone", "rows", "hours", "holes"),
    [("binance", "UTC+03:00", 4_383, {0, 8, 16}, 0), ("gate", "UTC", 4_290, {0, 8, 16}, 1),
     ("dydx", "UTC", 17_520, set(range(24)), 0),
     ("bybit", "UTC+03:00", 3_285, {0, 8, 16}, 0), ("kucoin", "UTC+03:00", 3_285, {4, 12, 20}, 0),
     ("mexc", "UTC+03:00", 3_285, {0, 8, 16}, 0)],
)
def test_recorded_funding_in_its_zone(recordings, venue, zone, rows, hours, holes):
    path, = (recordings / SUPERVIK).glob(f"BTC-USDT_{venue}_*.csv")
    frame = read("columns_csv", path, **FUNDING, zone=zone)
    assert frame.height == rows
    settled = (frame["ts_event"] + HOUR // 2) // HOUR  # some are stamped a millisecond late
    assert set(settled % 24) == hours
    steps = settled.sort().diff().drop_nulls()
    assert (steps > steps.min()).sum() == holes


@pytest.mark.recordings
def test_recorded_funding_of_eighteen_decimals_is_refused_until_digits_are_given_up(recordings):
    path, = (recordings / SUPERVIK).glob("BTC-USDT_htx_*.csv")
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=2 column=rate .*nearest = true"):
        read("columns_csv", path, **FUNDING, zone="UTC+03:00")
    frame = read("columns_csv", path, **FUNDING, zone="UTC+03:00", nearest=True)
    assert frame["rate"][0] == 658_153_992


@pytest.mark.recordings
def test_recorded_trades_of_questdb(recordings):
    columns = {"ts_event": "timestamp", "price": "price", "qty": "amount", "side": "side"}
    path = recordings / "questdb+sample-datasets/finance/btc_trades.csv"
    frame = read("columns_csv", path, of=life("BTC/USD"), dataset="trades", columns=columns, symbol="symbol")
    assert (frame.height, frame["trade_id"].n_unique()) == (5_882, 5_882)
    assert frame["ts_event"][0] == 1_693_929_601_281_719_000


@pytest.mark.recordings
@pytest.mark.parametrize(("code", "rows"), [("1m", 502), ("5m", 500), ("1h", 500), ("1d", 255), ("1w", 37), ("1M", 9)])
def test_recorded_octobot_stamps_are_ends(recordings, code, rows):
    frame = read("octobot", recordings / OCTOBOT, interval_s=code)
    assert frame.height == rows
    assert set(frame["symbol"]) == {"BTC/USDT"}
    if code == "1m":
        assert times(frame) == ["2018-04-28 01:52:00", "2018-04-28 10:14:00"]
        same = read(
            "columns_sqlite", recordings / OCTOBOT, dataset="bars", table="ohlcv", where={"time_frame": "1m"},
            stamp="end", time="s", interval_s="1m", columns={"ts_event": "timestamp", **{
                name: f"json_extract(candle, '$[{place}]')"
                for place, name in enumerate(("open", "high", "low", "close", "volume"), 1)
            }},
        )
        assert same.equals(frame.select(same.columns))


@pytest.mark.recordings
def test_recorded_octobot_gives_every_interval_where_none_is_named(recordings):
    frame = read("octobot", recordings / OCTOBOT)
    assert frame.height == 5_388
    assert frame["interval_s"].n_unique() == 14


@pytest.mark.recordings
def test_octobot_has_no_bars_of_another_symbol_or_interval(recordings):
    assert read("octobot", recordings / OCTOBOT, of=life("ETH/USDT"), interval_s="1h").is_empty()
    with pytest.raises(TickhouseError, match=r"SOURCES_INVALID .*options.interval_s"):
        read("octobot", recordings / OCTOBOT, interval_s="7m")
