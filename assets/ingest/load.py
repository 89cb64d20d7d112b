"""One run of an ingest: fetch, judge, publish and record, bite by bite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assets.ingest import held, troubles
from assets.ingest.fetch import Chunk, Kept, ahead, bites
from assets.ingest.publish import Press

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from assets.ingest.outcome import Progress
    from assets.ingest.troubles import Terms
    from assets.ingest.wanted import Wanted
    from venues.source import Source


def load(
    client: Client, source: Source, wanted: Sequence[Wanted], terms: Terms, run_id: str, *, recheck: bool = False
) -> Iterator[Progress]:
    """What became of the wanted days, step by step; whole days are asked for again only with `recheck`."""
    known = held.load(client, source.venue, wanted)
    press = Press(client, source, source.venue, known, run_id)
    for bite in ahead(bites(source, wanted, known, recheck=recheck)):
        if isinstance(bite, Kept):
            yield press.kept(bite)
        elif isinstance(bite, Chunk):
            yield press.chunk(bite)
        else:
            yield troubles.settle(press, bite, terms)
