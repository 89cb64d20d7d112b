"""Bytes of good files changed at random: the same rows, an error of ours, or a change in the cells that were hit."""

import json
import random

import pytest

from infra.errors import TickhouseError
from tests.venues.files.reading import read
from venues.errors import VenueCode
from venues.files.errors import FileCode

MUTATIONS = 300
_LIKELY = b"0123456789.,-+eE \n\r\t\"';:/TZAMPx\x00\x7f\x80\xff[]{}<"

CDD = b"".join([
    b"https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n",
    *(b"%d,2019-10-17 %02d:00:00,BTCUSD,3.5,4,1,2.25,5.5,99\n" % (1_571_313_600 + 3_600 * hour, 12 + hour)
      for hour in range(8)),
])
HALVES = b"".join([
    b"banner\nDate,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n",
    *(b"2019-10-17 %02d-PM,BTCUSD,3.5,4,1,2.25,5.5,99\n" % hour for hour in range(1, 9)),
])
LEAN = b"".join(b"%d,3.5,4,1,2.25,5.5\n" % (60_000 * minute) for minute in range(8))
QUOTES = b"".join(b"%d,1,2,1,2,5,3,4,3,4,6\n" % (60_000 * minute) for minute in range(8))
FUNDING = b"".join(b"2020010%d 08:00:00,-0.00012\n" % day for day in range(1, 9))
TABLE = b"Date;o;h;l;c;v\n" + b"".join(b"2020-01-01 0%d:00;1;3;1;2;10\n" % hour for hour in range(8))
CANDLES = [[1_600_000_200_000 + 300_000 * row, 1.5, 2.0, 1.0, 1.25, 3] for row in range(8)]
TRADES = [[1_600_000_200_000 + row, f"{row}", None, "buy", 1.5, 2.0, 3.0] for row in range(8)]
MAP = {"ts_event": "Date", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}

CASES = {
    "cryptodatadownload": ("x_1h.csv", CDD, {}),
    "cryptodatadownload halves": ("x_1h.csv", HALVES, {}),
    "cryptodatadownload utf16": ("x_1h.csv", HALVES.decode().encode("utf-16"), {}),
    "lean_trade": ("minute/20200102_trade.csv", LEAN, {}),
    "lean_quote": ("minute/20200102_quote.csv", QUOTES, {"rounded": True}),
    "lean_funding": ("x.csv", FUNDING, {"nearest": True}),
    "columns_csv": ("x.csv", TABLE, {"dataset": "bars", "columns": MAP, "delimiter": ";", "interval_s": 3_600}),
    "freqtrade_json": ("A_B-5m.json", json.dumps(CANDLES).encode(), {}),
    "freqtrade_json trades": ("A_B-trades.json", json.dumps(TRADES).encode(), {}),
}


def mutated(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data)) if data else 0
        match rng.randrange(6):
            case 0 | 1 if data:
                data[at] = rng.choice(_LIKELY)
            case 2 if data:
                del data[at]
            case 3:
                data[at:at] = bytes([rng.choice(_LIKELY)])
            case 4:
                data[at:at] = data[at:at + rng.randint(1, 30)]
            case _:
                del data[at:at + rng.randint(1, 60)]
    return bytes(data)


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_file_is_refused_or_read_as_it_stands(case):
    name, content, options = CASES[case]
    format_name = case.partition(" ")[0]
    good = read(format_name, content, name, **options)
    assert good.height == 8
    rng = random.Random(case)
    refused, codes = 0, set()
    for _ in range(MUTATIONS):
        damaged = mutated(rng, content)
        try:
            frame = read(format_name, damaged, name, **options)
        except TickhouseError as error:
            codes.add(type(error.code) if error.context.get("file") == name else error)
            refused += 1
            continue
        if frame.height:
            # What is read has whole rows: no number was made up from an empty or half cell.
            assert frame.drop("symbol", strict=False).null_count().sum_horizontal()[0] == 0
    assert codes <= {FileCode, VenueCode}
    assert refused > MUTATIONS // 4


@pytest.mark.parametrize("case", CASES)
def test_one_changed_byte_changes_one_row_at_most(case):
    name, content, options = CASES[case]
    format_name = case.partition(" ")[0]
    good = read(format_name, content, name, **options)
    rng = random.Random(case)
    for _ in range(MUTATIONS):
        data = bytearray(content)
        data[rng.randrange(len(data))] = rng.choice(_LIKELY)
        try:
            frame = read(format_name, bytes(data), name, **options)
        except TickhouseError:
            continue
        if frame.height == good.height:
            # Its place, and the number of a quote of the same moment, follow from other rows too.
            columns = [column for column in frame.columns if column not in {"line", "seq"}]
            assert frame.join(good, on=columns, how="anti", nulls_equal=True).height <= 1, bytes(data)
        else:
            assert abs(frame.height - good.height) == 1, bytes(data)  # a line end came or went
