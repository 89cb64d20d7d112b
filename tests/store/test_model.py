"""The store against a model of a few lines: any ingests, restatements, rivals, late rows and merges, in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import count

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.dataset import Dataset, label
from store import datasets, ingest_log, writer
from store.ingest_log import IngestEntry, IngestState
from tests.store.rows import ANY_STATE, DAY, MINUTE, frame, values

pytestmark = pytest.mark.stack

RECEIVED = {Dataset.QUOTES, Dataset.BOOK_SNAPSHOTS, Dataset.BOOK_DELTAS}
_numbers = count(1)


@dataclass(frozen=True)
class Row:
    place: int
    value: int
    known: int
    stored: int


@dataclass
class Model:
    """Every row ever written, and whether readers were told that the day is whole."""

    rows: list[Row] = field(default_factory=list)
    published: bool = False

    def read(self, as_of: int | None, stored_by: int | None) -> dict[int, int]:
        best: dict[int, Row] = {}
        for row in self.rows:
            if (as_of is None or row.known <= as_of) and (stored_by is None or row.stored <= stored_by):
                old = best.get(row.place)
                if old is None or (row.known, -row.stored) > (old.known, -old.stored):
                    best[row.place] = row
        return {place: row.value for place, row in sorted(best.items())}

    def write(self, page: list[Row], seen: int) -> int:
        held = {place: max((r for r in self.rows if r.place == place), key=lambda r: (r.known, -r.stored))
                for place in {r.place for r in self.rows}}
        written = []
        for row in {row.place: row for row in page}.values():
            old = held.get(row.place)
            if old is None:
                known = max(row.known, seen) if self.published else row.known
                written.append(Row(row.place, row.value, known, row.stored))
            elif old.value != row.value:
                written.append(Row(row.place, row.value, max(row.known, seen, old.known + 1), row.stored))
        self.rows += written
        return len(written)


page = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 4)), min_size=1, max_size=5)
event = st.one_of(
    st.tuples(st.sampled_from(["ingest", "ingest", "ingest", "rival"]), page),
    st.tuples(st.sampled_from(["publish", "publish", "lose", "merge"]), st.none()),
)


@pytest.mark.parametrize("dataset", list(Dataset))
@hypothesis.settings(max_examples=3)  # each is dozens of trips to the server
@given(events=st.lists(event, min_size=2, max_size=7), data=st.data())
def test_every_reading_is_that_of_the_model(store_client, dataset, events, data):
    client, instrument = store_client, next(_numbers)
    model, tick, told = Model(), count(1), []

    def read(as_of, stored_by):
        got = datasets.read(
            client, dataset, [instrument], DAY, DAY + 10 * MINUTE, as_of, stored_by_ns=stored_by, allow=ANY_STATE,
            series="mood",
        )
        return values(dataset, got)

    moments = [int(client.command("SELECT toUnixTimestamp64Nano(now64(9))"))]
    for kind, rows in events:
        now = DAY + (20 + next(tick)) * MINUTE  # the clock of whoever ingests and whoever reads goes forward
        stored = moments[-1] + 1
        if kind in {"publish", "lose"}:
            state = IngestState.COMPLETE if kind == "publish" else IngestState.MISSING
            entry = IngestEntry(label(dataset, series="mood"), "v", instrument, date(2026, 1, 1), state, 0, "", "s")
            ingest_log.record(client, [entry])
            model.published = kind == "publish"
        elif kind == "merge":
            client.command(f"OPTIMIZE TABLE {dataset} FINAL")
        else:
            given_rows = [(place, value, 0 if dataset in RECEIVED else known) for place, value, known in rows]
            typed = [Row(p, v, DAY + (p + k) * MINUTE, stored) for p, v, k in given_rows]
            if kind == "ingest":
                written = datasets.write(client, dataset, frame(dataset, given_rows, instrument), now)
                assert written == model.write(typed, now)
            else:  # another process saw nothing held at the same moment as we, and wrote all it had
                once = list({row[0]: row for row in given_rows}.values())
                writer.insert(client, str(dataset), frame(dataset, once, instrument))
                model.rows += {row.place: row for row in typed}.values()
        moments.append(int(client.command("SELECT toUnixTimestamp64Nano(now64(9))")))
        assert read(None, None) == model.read(None, None)
        if kind != "rival":
            told.append((now, read(now, None), model.published))
    for as_of, answer, whole in told:  # what a reader of whole days was given stays so, whatever came later
        if whole and all(kind not in {"rival", "lose"} for kind, _ in events):
            assert read(as_of, None) == answer
    at = data.draw(st.sampled_from(moments))
    early = DAY + data.draw(st.integers(0, 8)) * MINUTE
    for as_of in (early, *(now + shift for now, _, _ in told for shift in (-1, 0))):
        assert read(as_of, None) == model.read(as_of, None)
        assert read(as_of, at) == model.read(as_of, at)


@pytest.fixture(scope="module")
def store_client(clickhouse_url, fresh_environment):
    from infra.settings import Settings
    from store.clickhouse import connect, migrate

    with pytest.MonkeyPatch.context() as patch:
        for name, value in fresh_environment().items():
            patch.setenv(name, value)
        settings = Settings()
    migrate(settings)
    client = connect(settings)
    yield client
    client.command(f"DROP DATABASE {settings.clickhouse.database}")
    client.close()
