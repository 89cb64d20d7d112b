"""The ingest assets that a configuration makes."""

import re
from datetime import date

import pytest

from assets.ingest import everything, subjects
from infra.errors import TickhouseError
from infra.settings import PROJECT, Venue
from market.dataset import Dataset
from orchestration import partitions
from venues import catalogue
from venues.catalogue import Catalogue, Feed, Files, Index, Rest

VENUE = Venue(name="binance", symbols=("BTC/USDT:USDT",), history_start=date(2026, 1, 1))
FILES = Files(name="klines", venue="binance", format="binance_klines", path="/d/{day}.zip", symbols=("ETH/USDT",))


def names(catalogue):
    days = partitions.daily(everything.first_day(VENUE, catalogue))
    return {asset.key.to_user_string() for asset in everything.build(VENUE, catalogue, days)}


def test_without_a_catalogue_the_trading_venue_alone():
    assert names(Catalogue()) >= {"binance/instruments", "binance/bars_1m", "binance/trades", "binance/funding"}
    assert {name.partition("/")[0] for name in names(Catalogue())} == {"binance"}


def test_each_entry_is_an_asset_beside_them():
    more = Catalogue(
        rest=(Rest(venue="kraken", symbols=("BTC/USD",)),),
        files=(FILES, changed(FILES, venue="bybit", name="trades")),
        index=(Index(name="fear_greed", url="http://x", time="t", columns={"fear_greed": "v"}, publication_lag_s=0),),
    )
    assert names(more) - names(Catalogue()) == {
        "kraken/instruments", "kraken/bars_1m", "kraken/trades", "binance/klines", "bybit/instruments",
        "bybit/trades", "series/fear_greed",
    }


def test_an_entry_of_the_trading_venue_adds_to_it():
    more = Rest(venue="binance", symbols=("SOL/USDT:USDT",), feeds=(Feed(dataset=Dataset.BARS, interval_s=3600),))
    (taken,) = everything.rest(VENUE, Catalogue(rest=(more,)))
    assert taken.symbols == ("BTC/USDT:USDT", "SOL/USDT:USDT")
    assert {"bars_1m", "bars_1h"} <= {feed.asset for feed in taken.feeds}
    assert taken.start == VENUE.history_start


def test_all_share_the_days_of_the_earliest():
    early = changed(FILES, history_start=date(2019, 9, 1))
    assert everything.first_day(VENUE, Catalogue(files=(early,))) == date(2019, 9, 1)
    assert everything.first_day(VENUE, Catalogue()) == VENUE.history_start


@pytest.mark.parametrize("name", ["trades", "instruments"])
def test_files_named_like_a_feed_are_refused(name):
    with pytest.raises(TickhouseError, match=rf"SOURCES_INVALID key=files.{name}.name"):
        names(Catalogue(files=(changed(FILES, name=name),)))


def test_the_examples_of_the_configuration_are_assets(tmp_path):
    """With the # taken away, as its first lines say."""
    text = (PROJECT / "config" / "sources.toml").read_text()
    marked = re.compile(r"^# (\[\[.*|\[files.options\]|[a-z_]+ = .*|    \{.*|\])$", re.MULTILINE)
    (tmp_path / "sources.toml").write_text(marked.sub(r"\1", text))
    found = catalogue.load(tmp_path / "sources.toml")
    assert (len(found.rest), len(found.files), len(found.index)) == (1, 5, 1)
    assert names(found) >= {"kraken/bars_1h", "binance/trades_files", "bybit/trades_dump", "series/fear_greed"}
    assert [subjects.of_files(entry)[0].label for entry in found.files] == [
        "trades", "bars_1h", "trades", "book_deltas", "bars_1h"
    ]
    assert catalogue.load(PROJECT / "config" / "sources.toml") == Catalogue()


def changed(entry, **changes):
    """A copy with other values."""
    return entry.model_copy(update=changes)
