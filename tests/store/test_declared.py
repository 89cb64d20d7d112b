"""config/instruments.toml in the store: written once, in time, without changing what was known earlier."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.errors import TickhouseError
from market.instrument import InstrumentKind
from store import adjustments, declared, instruments
from store.errors import StoreCode
from tests.store.test_instruments import spec

SHIPPED = Path(__file__).parents[2] / "config" / "instruments.toml"
LUNA = {"symbol": "LUNA/USDT", "venue_symbol": "LUNAUSDT", "kind": InstrumentKind.SPOT, "price_scale": 4,
        "base": "LUNA", "min_notional": 0}


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.stack
def test_the_file_that_is_shipped(clickhouse):
    done = instruments.declare(clickhouse, SHIPPED)
    assert (done.lives, done.renames, done.redenominations, len(done.waiting)) == (4, 0, 0, 2)
    again = instruments.declare(clickhouse, SHIPPED)
    assert (again.lives, again.renames, again.redenominations) == (0, 0, 0)
    assert [life.id for life in instruments.load(clickhouse)] == [1, 2, 3, 4]

    def luna(day: str) -> list[int]:
        return [x.id for x in instruments.universe(clickhouse, ns(day)) if x.symbol == "LUNA/USDT"]

    old, new = (x for x in instruments.load(clickhouse) if x.symbol == "LUNA/USDT")
    assert (luna("2020-01-01"), luna("2022-05-01"), luna("2022-05-20"), luna("2022-06-01")) == (
        [], [old.id], [], [new.id]
    )  # fmt: skip
    assert instruments.load(clickhouse, ns("2022-05-01"))[-1].valid_to == 0, "its end was not known then"


@pytest.mark.stack
def test_what_the_venue_says_finds_the_declared_life(clickhouse):
    instruments.declare(clickhouse, SHIPPED)
    (life,) = instruments.record(clickhouse, [spec(**LUNA, valid_from=ns("2026-01-01"))])
    assert life.listed == ns("2022-05-31T06:00")
    (life,) = instruments.record(clickhouse, [spec(**LUNA, valid_from=ns("2026-01-02"), listed=ns("2022-05-31T06:00"))])
    assert life.listed == ns("2022-05-31T06:00")
    assert len(instruments.load(clickhouse)) == 4


@pytest.mark.stack
def test_declared_after_the_venue_had_spoken(clickhouse):
    (life,) = instruments.record(clickhouse, [spec(**LUNA, valid_from=ns("2026-01-01"))])
    before = instruments.load(clickhouse, ns("2026-01-02"))
    only = {("binance", "LUNA/USDT")}
    assert instruments.declare(clickhouse, SHIPPED, only).lives == 2
    assert instruments.declare(clickhouse, SHIPPED, only).lives == 0
    held = {x.id: x for x in instruments.load(clickhouse)}
    assert held[life.id].listed == held[life.id].valid_from == ns("2022-05-31T06:00")
    assert held[2].valid_to == ns("2022-05-13T01:00")
    earlier = instruments.load(clickhouse, ns("2026-01-02"))
    assert [x for x in earlier if x.id == life.id] == before, "what is learned later changes no earlier reading"


@pytest.mark.stack
def test_a_rename_keeps_id_and_history(clickhouse, tmp_path):
    (life,) = instruments.record(clickhouse, [spec("NANO", listed=ns("2020-01-01"))])
    instruments.close(clickhouse, life.id, ns("2026-06-01"), ts_known_ns=ns("2026-06-01"))
    file = write(tmp_path / "i.toml", """
        [[rename]]
        venue = "binance"
        symbol = "NANO/USDT:USDT"
        to = "XNO/USDT:USDT"
        at = 2022-01-25T00:00:00Z
        [[redenomination]]
        venue = "binance"
        symbol = "XNO/USDT:USDT"
        at = 2023-01-01T00:00:00Z
        announced = 2022-12-01T00:00:00Z
        old = 100
        new = 1
        """)
    done = instruments.declare(clickhouse, file)
    assert (done.renames, done.redenominations, done.waiting) == (1, 1, ())
    assert instruments.declare(clickhouse, file) == declared.Declared()
    assert [x.symbol for x in instruments.load(clickhouse, ns("2022-01-24"))] == ["NANO/USDT:USDT"]
    (now,) = instruments.load(clickhouse)
    assert (now.id, now.symbol, now.venue_symbol) == (life.id, "XNO/USDT:USDT", "XNOUSDT")
    assert now.valid_to == ns("2026-06-01"), "what was told later under the old name is told again"
    assert [x.symbol for x in instruments.spells(clickhouse)] == ["NANO/USDT:USDT", "XNO/USDT:USDT"]
    (change,) = adjustments.factors(clickhouse, [life.id])
    assert (change.numerator, change.denominator, change.ts_known) == (1, 100, ns("2022-12-01"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[life]]\nvenue = "b"', "life.0.symbol"),
        ('[[life]]\nvenue = "b"\nsymbol = "LUNA"\nlisted = 2020-01-01T00:00:00Z\nprice_scale = 1\nqty_scale = 1',
         "life.0.symbol"),
        ('[[redenomination]]\nvenue = "b"\nsymbol = "A/B"\nat = 2020-01-01T00:00:00Z\nold = 0\nnew = 1',
         "redenomination.0.old"),
        ('[[redenomination]]\nvenue = "b"\nsymbol = "A/B"\nat = 2020-01-01T00:00:00\nold = 1\nnew = 1',
         "redenomination.0.at"),
        ('[[rename]]\nvenue = "b"\nsymbol = "A/B"\nto = "C/B"\nat = 2020-01-01T12:00:00Z', "rename.0.at"),
        ("[[lives]]", "lives"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named(tmp_path, text, key):
    with pytest.raises(TickhouseError) as raised:
        declared.load(write(tmp_path / "i.toml", text))
    assert raised.value.code is StoreCode.INSTRUMENTS_INVALID
    assert raised.value.context["key"] == key


def test_no_file_declares_nothing(tmp_path):
    assert declared.load(tmp_path / "none.toml") == declared.File()
