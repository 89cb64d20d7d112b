"""Answers damaged at random: dated values, or an error of ours that names the URL."""

import io
import json
import random

import pytest

from infra.errors import TickhouseError
from market.instrument import market_of
from tests.venues.files.test_candles_fuzz import mutated
from venues.catalogue import Index
from venues.errors import VenueCode
from venues.files.errors import FileCode
from venues.index import answer, dated
from venues.index.errors import IndexCode

URL = "http://x/data"
JSON = json.dumps({"data": [{"t": 1_551_052_800 + 86_400 * day, "v": str(40 + day)} for day in range(8)]}).encode()
CSV = b"t,v\n" + b"".join(b"%d,%d\n" % (1_551_052_800 + 86_400 * day, 40 + day) for day in range(8))
CODES = {IndexCode, FileCode, VenueCode}


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_damaged_answer_is_refused_or_read_as_it_stands(kind):
    entry = Index(
        name="x", url=URL, kind=kind, rows="data", time="t", time_unit="s", columns={"x": "v"}, publication_lag_s=60
    )
    rng = random.Random(kind)
    refused, codes = 0, set()
    for _ in range(300):
        damaged = io.BytesIO(mutated(rng, JSON if kind == "json" else CSV))
        try:
            found = (
                answer.read_json(URL, damaged, entry.rows, ["t", "v"]) if kind == "json"
                else answer.read_csv(URL, damaged, ["t", "v"])
            )
            told = dated.taken(dated.values(entry, URL, found), found.raw, URL, "x", market_of("series"), 0, 2**62)
        except TickhouseError as error:
            refused += 1
            codes.add(type(error.code))
            continue
        assert told["value"].is_finite().all()
        assert (told["ts_known"] - told["ts_event"] == 60 * 10**9).all()
    assert codes <= CODES
    assert 30 < refused < 290
