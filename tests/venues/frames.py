"""Frames of Binance's streams for the codec's tests: recorded ones, and hand-made ones of each kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from market.events import Events, empty
from market.instrument import Instrument, InstrumentKind
from venues.binance.codec import ExactDecoder, FastDecoder

RECV = 1_700_000_000_123_456_789

HAND_MADE = (
    (
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1626992741575,"a":16599292,"s":"BTCUSDT","p":"28145.10",'
        b'"q":"0.010","f":23961322,"l":23961322,"T":1626992741421,"m":false}}'
    ),
    (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1680652700455,"T":1680652700452,"s":"BTCUSDT","t":3535186032,'
        b'"p":"28145.10","q":"0.002","X":"MARKET","m":true}}'
    ),
    (
        b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":2710246762461,"s":"BTCUSDT","b":"28145.10",'
        b'"B":"3.868","a":"28145.20","A":"6.887","T":1680652700430,"E":1680652700435}}'
    ),
    b'{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78800000","a":"61837.64000000","A":"1.54600000"}',
    (
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1680652700594,"T":1680652700586,"s":"BTCUSDT",'
        b'"U":2710246765373,"u":2710246765597,"pu":2710246765326,"b":[["5000.00","14.368"],["28018.90","0.000"]],'
        b'"a":[["28145.20","6.961"]]}}'
    ),
    b'{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":5009,"u":5010,"b":[],"a":[]}',
    (
        b'{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1680652701000,"s":"BTCUSDT",'
        b'"p":"28147.27373413","P":"28142.15563565","i":"28159.75642857","r":"-0.00002754","T":1680652800000}}'
    ),
    b'{"result":null,"id":1}',
)


@dataclass(frozen=True)
class Recorded:
    """One recorded connection: which instruments, and every frame that is no REST answer."""

    name: str
    instruments: tuple[Instrument, ...]
    frames: tuple[bytes, ...]


def instrument(symbol: str = "BTCUSDT", price_scale: int = 2, qty_scale: int = 3, number: int = 1) -> Instrument:
    """An instrument with these scales."""
    return Instrument(
        number, "binance", symbol, symbol, InstrumentKind.LINEAR, "B", "USDT", "USDT", price_scale, qty_scale, 10**8, 0
    )


def room(frame: bytes | Sequence[bytes]) -> Events:
    """An output array that is large enough."""
    return empty(len(frame) + 8 if isinstance(frame, bytes) else sum(map(len, frame)) + 8)


def both(exact: ExactDecoder, fast: FastDecoder, frame: bytes) -> tuple[int, Events]:
    """What both decoders make of a frame; fails where they differ."""
    mine, theirs = room(frame), room(frame)
    want, got = exact.decode(frame, RECV, mine), fast.decode(frame, RECV, theirs)
    assert want == got, (want, got, frame)
    assert np.array_equal(mine[: max(0, want)], theirs[: max(0, want)]), frame
    return want, mine[: max(0, want)]


def raw_streams(recordings: Path) -> Iterator[tuple[str, int, Path]]:
    """Name, quantity scale and file of the recorded raw streams of BTCUSDT."""
    folder = recordings / "nkaz001+hftbacktest"
    for name, qty_scale in (
        ("examples/spot/btcusdt_20240808.gz", 8),
        ("examples/spot/btcusdt_20240809.gz", 8),
        ("history/usdm/btcusdt_20230404.dat.gz", 3),
        ("history/usdm/btcusdt_20230405.dat.gz", 3),
    ):
        yield name, qty_scale, folder / name


def lines_of(file: Path) -> Iterator[bytes]:
    """The frames of a raw stream without their time stamps."""
    with gzip.open(file) as lines:
        for line in lines:
            yield line.split(b" ", 1)[1].strip()


def sessions(recordings: Path) -> Iterator[Recorded]:
    """The two recorded Binance sessions with the symbols they asked for."""
    from backports import zstd

    for name in ("BINANCE", "BINANCE_FUTURES"):
        file = recordings / "bmoscon+cryptofeed" / "v3" / "sample_data" / f"{name}.jsonl.zst"
        records = [json.loads(line) for line in zstd.decompress(file.read_bytes()).splitlines()]
        frames = tuple(record["data"].encode() for record in records if record["t"] == "recv")
        symbols = sorted({json.loads(frame)["data"]["s"] for frame in frames if b'"data"' in frame})
        instruments = tuple(instrument(symbol, 8, 8, at + 1) for at, symbol in enumerate(symbols))
        yield Recorded(name, instruments, frames)
