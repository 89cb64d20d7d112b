"""Files as a source: the right ones, once each, checked, cut to the span, and their bytes on demand."""

import hashlib
import io
import zipfile

import polars as pl
import pytest

from infra.errors import TickhouseError
from market.dataset import SCHEMAS, Dataset
from tests.venues.files.conftest import Answer
from tests.venues.files.reading import life
from venues.catalogue import Files
from venues.errors import VenueCode
from venues.files import source as files_source
from venues.files.errors import FileCode
from venues.files.source import FileSource, secrets
from venues.request import Patience
from venues.source import Request, Source

DAY = 86_400_000_000_000
START = 19_675 * DAY  # 2023-11-14
MS = START // 10**6
LIFE = life("BTC/USDT", 2, 5)
PATIENCE = Patience(attempts=2, first_wait_s=0.01, longest_wait_s=0.02)


def trades(day, count=3, shift_ms=0):
    return b"".join(
        b"%d,36000.50000000,0.00100000,1,1,%d,%s,True\n"
        % (100 * day + row, MS + day * 86_400_000 + 1_000 * row + shift_ms, b"True" if row % 2 else b"False")
        for row in range(count)
    )


def zipped(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def request(first=0, days=1, dataset=Dataset.TRADES, **more):
    return Request(dataset, LIFE, START + first * DAY, START + (first + days) * DAY, **more)


@pytest.fixture
def make(tmp_path):
    made = []

    def build(path, format_name="binance_aggtrades", **more):
        entry = Files(
            name="files", venue="binance", format=format_name, path=str(path), symbols=("BTC/USDT",),
            **{"options": {}} | {key: value for key, value in more.items() if key != "now"},
        )
        made.append(FileSource(entry, tmp_path / "staging", PATIENCE, lambda: more.get("now", START + 9 * DAY)))
        return made[-1]

    yield build
    for source in made:
        source.close()
    assert not list((tmp_path / "staging").glob("*"))


def fetched(source, asked):
    frames = list(source.fetch(asked))
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMAS[asked.dataset])


def code_of(call):
    with pytest.raises(TickhouseError) as caught:
        call()
    return caught.value.code


@pytest.fixture
def vision(publisher):
    """Daily zips with checksums, as Binance publishes them: 2023-11-14 to 16."""
    for day in range(3):
        name = f"BTCUSDT-aggTrades-2023-11-{14 + day}"
        url = publisher.put(f"{name}.zip", zipped(f"{name}.csv", trades(day)))
        digest = hashlib.sha256(publisher.files[f"/{name}.zip"]).hexdigest()
        publisher.put(f"{name}.zip.CHECKSUM", f"{digest}  {name}.zip\n".encode())
    return url.rpartition("/")[0] + "/{venue_symbol}-aggTrades-{day}.zip"


def test_it_is_a_source(make, vision):
    source: Source = make(vision, checksum="{path}.CHECKSUM")
    assert (source.name, source.venue, source.instruments(["BTC/USDT"])) == ("binance_aggtrades:files", "binance", [])
    assert source.now() == START + 9 * DAY
    frame = fetched(source, request(days=3))
    assert dict(frame.schema) == dict(SCHEMAS[Dataset.TRADES]) | {"line": pl.Int64}
    assert frame["trade_id"].to_list() == [0, 1, 2, 100, 101, 102, 200, 201, 202]
    assert frame["source"].unique().to_list() == [source.name]


def test_days_are_cut_and_files_asked_for_once(make, vision, publisher):
    source = make(vision, checksum="{path}.CHECKSUM")
    assert len({source.fingerprint(request(day)) for day in range(3)}) == 3
    assert fetched(source, request(1, 2))["trade_id"].to_list() == [100, 101, 102, 200, 201, 202]
    assert fetched(source, Request(Dataset.TRADES, LIFE, START + DAY + 10**9, START + DAY + 2 * 10**9)).height == 1
    assert publisher.gets("BTCUSDT-aggTrades-2023-11-15.zip") == 1
    assert publisher.gets("BTCUSDT-aggTrades-2023-11-14.zip") == 0
    assert publisher.gets("BTCUSDT-aggTrades-2023-11-15.zip.CHECKSUM") == 1


def test_the_fingerprint_is_the_published_checksum_and_changes_with_it(make, vision, publisher, monkeypatch):
    monkeypatch.setattr(files_source, "_BELIEVED_S", -1.0)
    source = make(vision, checksum="{path}.CHECKSUM")
    one = source.fingerprint(request())
    assert one == hashlib.sha256(publisher.files["/BTCUSDT-aggTrades-2023-11-14.zip"]).hexdigest()
    publisher.put("BTCUSDT-aggTrades-2023-11-14.zip.CHECKSUM", f"{'0' * 64}  BTCUSDT-aggTrades-2023-11-14.zip".encode())
    assert source.fingerprint(request()) == "0" * 64
    assert code_of(lambda: fetched(source, request())) is FileCode.FILE_CHECKSUM_WRONG
    assert source.fingerprint(request(7)) == ""


@pytest.mark.parametrize("said", [b"<html>Not found</html>", b"", b"0" * 64 + b"  another.zip\n", None])
def test_a_checksum_that_is_none_keeps_the_file_out(make, vision, publisher, said):
    del publisher.files["/BTCUSDT-aggTrades-2023-11-14.zip.CHECKSUM"]
    if said is not None:
        publisher.put("BTCUSDT-aggTrades-2023-11-14.zip.CHECKSUM", said)
    source = make(vision, checksum="{path}.CHECKSUM")
    assert code_of(lambda: fetched(source, request())) is FileCode.FILE_CHECKSUM_WRONG


def test_an_absent_file_is_missing_before_anything_is_downloaded(make, vision, publisher):
    source = make(vision, checksum="{path}.CHECKSUM", lag_s=3_600)
    with pytest.raises(TickhouseError) as caught:
        fetched(source, request(1, 3))
    assert caught.value.code is FileCode.FILE_MISSING
    assert caught.value.context["due"] == "2023-11-18T01:00:00+00:00"
    assert publisher.gets("BTCUSDT-aggTrades-2023-11-15.zip") == 0
    last = source.expected(request(1, 3))[-1]
    assert (last.due, last.required, last.inside) == (START + 4 * DAY + 3_600 * 10**9, True, True)
    assert not make(vision, required=False).expected(request())[0].required


def test_a_publisher_that_fails_is_not_taken_for_an_absent_file(make, vision, publisher):
    publisher.first("BTCUSDT-aggTrades-2023-11-14.zip", *[Answer(503)] * 9)
    assert code_of(lambda: fetched(make(vision), request())) is FileCode.FILE_UNREACHABLE


def test_a_month_is_read_once_for_all_its_days(make, tmp_path):
    (tmp_path / "BTCUSDT-aggTrades-2023-11.csv").write_bytes(b"".join(trades(day) for day in range(17)))
    source = make(tmp_path / "{venue_symbol}-aggTrades-{month}.csv")
    assert fetched(source, request(0, 17)).height == 51
    assert fetched(source, request(3))["trade_id"].to_list() == [300, 301, 302]
    assert len({source.fingerprint(request(day)) for day in range(17)}) == 1
    assert fetched(source, request(17 - 1, 1)).height == 3


def test_rows_of_an_impossible_time_are_given_with_their_files_day(make, tmp_path):
    faulty = trades(1).replace(b"%d" % (MS + 86_400_000 + 1_000), b"0")
    (tmp_path / "x-2023-11-15.csv").write_bytes(faulty)
    (tmp_path / "x-2023-11-16.csv").write_bytes(trades(2, 1) + trades(1, 1, 43_200_000))
    source = make(tmp_path / "x-{day}.csv")
    assert fetched(source, request(1))["ts_event"].to_list() == [START + DAY, 0, START + DAY + 2 * 10**9]
    assert fetched(source, request(2))["ts_event"].to_list() == [START + 2 * DAY, START + DAY + DAY // 2]


def test_the_lines_of_rows_as_they_stand_in_their_file(make, vision, publisher):
    bad = zipped("x.csv", trades(0, 2) + b"9,-1,0.5,1,1,%d,True, odd \n" % (MS + 5_000))
    publisher.put("BTCUSDT-aggTrades-2023-11-14.zip", bad)
    source = make(vision)
    frame = fetched(source, request(0, 2))
    rows = frame.filter((pl.col("trade_id") == 101) | (pl.col("price") < 0))
    assert source.raw(request(0, 2), rows) == [
        f"9,-1,0.5,1,1,{MS + 5_000},True, odd ", trades(1).splitlines()[1].decode()]
    assert source.raw(request(0, 2), rows.clear()) == []


def test_bars_of_another_interval_are_said(make, tmp_path):
    bar = b"%d,1,2,1,2,5,0,0,7,0,0,0\n"
    (tmp_path / "x.csv").write_bytes(b"".join(bar % (MS + 3_600_000 * hour) for hour in range(3)))
    source = make(tmp_path / "x.csv", "binance_klines")
    assert fetched(source, request(dataset=Dataset.BARS, interval_s=3_600)).height == 3
    with pytest.raises(TickhouseError) as caught:
        fetched(source, request(dataset=Dataset.BARS))
    assert caught.value.code is FileCode.FILE_NOT_DATA
    assert "bars of 3600 s" in str(caught.value)


def test_a_file_for_all_time_says_nothing_of_days_that_it_does_not_reach(make, tmp_path):
    (tmp_path / "x.csv").write_bytes(trades(2) + trades(4))
    source = make(tmp_path / "x.csv")
    inside, outside = source.fingerprint(request(3)), source.fingerprint(request(5))
    assert (source.fingerprint(request(2)), source.fingerprint(request(1))) == (inside, outside)
    assert outside == inside + files_source.OUTSIDE
    assert fetched(source, request(3)).height == 0   # nothing happened
    assert fetched(source, request(0, 9)).height == 6
    for day in (0, 1, 5):                            # not told
        with pytest.raises(TickhouseError) as caught:
            fetched(source, request(day))
        assert caught.value.code is FileCode.FILE_MISSING
        assert caught.value.context["problem"] == "it tells of 2023-11-16 to 2023-11-18 only"
    (tmp_path / "x.csv").write_bytes(trades(2) + b"broken\n")
    again = make(tmp_path / "x.csv")
    assert again.fingerprint(request(5)) == hashlib.sha256(trades(2) + b"broken\n").hexdigest()
    assert code_of(lambda: fetched(again, request(5))) is FileCode.FILE_ROW_BAD


def test_one_series_of_a_file_that_has_several(make, tmp_path):
    (tmp_path / "m.csv").write_text(
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
        "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
        "2023-11-14 00:05:00,BTCUSDT,101.5000000000,5,1.5,2.5,3.5,0.9\n"
    )
    source = make(tmp_path / "m.csv", "binance_metrics")
    assert fetched(source, request(dataset=Dataset.OPEN_INTEREST))["qty"].to_list() == [10_150_000]
    frame = fetched(source, request(dataset=Dataset.SERIES, series="accounts_long_short_ratio"))
    assert frame.select("series", "value", "symbol").rows() == [("accounts_long_short_ratio", 3.5, "BTCUSDT")]


def test_files_that_are_cut_by_another_clock_lend_each_other_their_edges(make, tmp_path):
    head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    us = START // 1_000
    (tmp_path / "2023-11-14.csv").write_text(head + f"binance,BTCUSDT,{us + 5},{us + 9},1,buy,5,1\n")
    late = us + 86_400_000_000
    (tmp_path / "2023-11-15.csv").write_text(
        head + f"binance,BTCUSDT,{late - 3},{late + 4},2,buy,5,1\nbinance,BTCUSDT,{late + 5},{late + 9},3,sell,5,1\n"
    )
    source = make(tmp_path / "{day}.csv", "tardis_trades")
    assert fetched(source, request(0))["trade_id"].to_list() == [1, 2]
    assert fetched(source, request(1))["trade_id"].to_list() == [3]
    assert fetched(source, request(0, 2))["trade_id"].to_list() == [1, 2, 3]
    for span in (request(0), request(0, 2)):
        frame = fetched(source, span)
        assert [line.split(",")[4] for line in source.raw(span, frame)] == [str(id_) for id_ in frame["trade_id"]]
    one = source.fingerprint(request(0))
    (tmp_path / "2023-11-15.csv").unlink()
    assert fetched(make(tmp_path / "{day}.csv", "tardis_trades"), request(0))["trade_id"].to_list() == [1]
    assert make(tmp_path / "{day}.csv", "tardis_trades").fingerprint(request(0)) not in {one, ""}


def test_a_member_of_an_archive_by_its_pattern(make, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("XBT_1.csv", b"%d,5,1\n" % (START // 10**9))
        archive.writestr("ETH_1.csv", b"%d,6,1\n" % (START // 10**9))
    (tmp_path / "all.zip").write_bytes(packed.getvalue())
    source = make(tmp_path / "all.zip", "kraken_trades", options={"member": "{base}*"})
    assert code_of(lambda: fetched(source, request())) is FileCode.FILE_NOT_DATA
    source = make(tmp_path / "all.zip", "kraken_trades", options={"member": "ETH_1.csv"})
    assert fetched(source, request())["price"].to_list() == [600]


def test_secrets_come_from_the_environment(monkeypatch, make):
    entry = Files(name="trades", venue="tardis", format="tardis_trades", path="s3://x/{day}", symbols=())
    monkeypatch.setenv("TICKHOUSE_STORAGE_TARDIS_TRADES_KEY", "k")
    monkeypatch.setenv("TICKHOUSE_STORAGE_TARDIS_TRADES_ENDPOINT_URL", "http://minio")
    monkeypatch.setenv("TICKHOUSE_STORAGE_TARDIS_TRADES_HEADERS", '{"Authorization": "Bearer x"}')
    monkeypatch.setenv("TICKHOUSE_STORAGE_OTHER_TRADES_KEY", "no")
    assert secrets(entry) == {"key": "k", "endpoint_url": "http://minio", "headers": {"Authorization": "Bearer x"}}
    monkeypatch.setenv("TICKHOUSE_STORAGE_TARDIS_TRADES_HEADERS", "{x}")
    assert code_of(lambda: secrets(entry)) is VenueCode.SOURCES_INVALID


def test_a_publisher_may_call_the_instrument_by_another_name(make, tmp_path):
    us = START // 1_000
    (tmp_path / "XBT-USD.csv").write_text(
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        f"kraken,XBT/USD,{us},{us},1,buy,5,1\nkraken,ETH/USD,{us},{us},2,buy,5,1\n"
    )
    path, names = tmp_path / "{file_symbol}.csv", {"BTC/USDT": "XBT-USD"}
    source = make(path, "tardis_trades", options={"symbols": names})
    assert fetched(source, request())["symbol"].to_list() == ["XBT/USD", "ETH/USD"]
    (tmp_path / "XBT-USD.csv").write_text((tmp_path / "XBT-USD.csv").read_text().replace("XBT/USD", "XBT-USD"))
    source = make(path, "tardis_trades", options={"symbols": names})
    assert fetched(source, request())["symbol"].to_list() == ["BTCUSDT", "ETH/USD"]


def test_a_second_source_completes_what_the_first_could_not(make, vision, publisher):
    whole = publisher.files["/BTCUSDT-aggTrades-2023-11-14.zip"]
    publisher.put("BTCUSDT-aggTrades-2023-11-14.zip", whole[:-30])
    assert code_of(lambda: fetched(make(vision), request())) is FileCode.FILE_TRUNCATED
    publisher.put("BTCUSDT-aggTrades-2023-11-14.zip", b"<html>maintenance</html>")
    assert code_of(lambda: fetched(make(vision), request())) is FileCode.FILE_NOT_DATA
    publisher.put("BTCUSDT-aggTrades-2023-11-14.zip", whole)
    assert fetched(make(vision), request()).height == 3
