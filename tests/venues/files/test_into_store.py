"""From a file into ClickHouse and back: every format's dataset fits its table, and twice changes nothing."""

import polars as pl
import pytest

from market.dataset import Dataset, clock
from store import datasets
from tests.venues.files.test_venue_fuzz import CASES, LIFE
from venues.catalogue import Files
from venues.files import registry
from venues.files.source import OUTSIDE, FileSource
from venues.source import Request

FOREVER = 4_000_000_000 * 10**9


@pytest.mark.stack
@pytest.mark.parametrize("name", CASES)
def test_what_a_file_holds_is_stored_as_it_was_read(clickhouse, tmp_path, name):
    (tmp_path / "x.csv").write_bytes(CASES[name])
    known = registry.get(name)
    options = {"interval_s": 60} if Dataset.BARS in known.datasets else {}
    path = str(tmp_path / "x.csv")
    source = FileSource(Files(name="f", venue="v", format=name, path=path, symbols=(), options=options), tmp_path)
    for dataset in known.datasets:
        for series in getattr(known, "series", ()) if dataset is Dataset.SERIES else ("",):
            asked = Request(dataset, LIFE, 0, FOREVER, 60, series)
            if source.fingerprint(asked).endswith(OUTSIDE):  # none of this series
                continue
            frame = pl.concat(source.fetch(asked))
            assert datasets.write(clickhouse, dataset, frame, FOREVER) == frame.height
            assert datasets.write(clickhouse, dataset, frame, FOREVER) == 0
            back = datasets.read(
                clickhouse, dataset, [LIFE.id], 0, FOREVER, interval_s=60, series=series,
                allow=("missing", "partial", "quarantined"),
            )
            key = [clock(dataset), *datasets.KEYS[dataset]]
            wanted = frame.select(back.columns).cast(dict(back.schema))
            assert back.sort(key).drop("ts_known", strict=False).equals(
                wanted.sort(key).drop("ts_known", strict=False))
