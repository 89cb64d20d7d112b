"""One run of an ingest: fetch, judge, publish and record, bite by bite."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assets.ingest import held, troubles
from assets.ingest.feeds import CHUNK_ROWS
from assets.ingest.fetch import Chunk, Fetcher, Kept, ahead
from assets.ingest.outcome import Trouble
from assets.ingest.publish import Press

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from assets.ingest.fetch import Bite
    from assets.ingest.outcome import Progress
    from assets.ingest.troubles import Terms
    from assets.ingest.wanted import Wanted
    from venues.source import Source

_TOGETHER, _WAIT_S = 512, 30.0  # chunks published at once at most, and how long the first of them waits for the others


def load(
    client: Client, source: Source, wanted: Sequence[Wanted], terms: Terms, run_id: str, staging: Path, *,
    recheck: bool = False,
) -> Iterator[Progress]:
    """What became of the wanted days, step by step; whole days are asked for again only with `recheck`."""
    known = held.load(client, source.venue, wanted)
    press = Press(client, source, source.venue, known, run_id)
    for bite in together(ahead(Fetcher(source, known, staging, recheck).bites(wanted))):
        if isinstance(bite, Kept):
            yield press.kept(bite)
        elif isinstance(bite, Trouble):
            yield troubles.settle(press, bite, terms)
        else:
            yield press.chunks(bite)


def together(bites: Iterator[Bite]) -> Iterator[list[Chunk] | Kept | Trouble]:
    """The same, small chunks of one dataset joined: the gate and the tables cost as much for one as for many."""
    waiting: list[Chunk] = []
    rows, since = 0, 0.0
    for bite in bites:
        if not isinstance(bite, Chunk):
            yield bite
            continue
        if waiting and (
            bite.wanted.subject.dataset is not waiting[0].wanted.subject.dataset
            or rows + bite.frame.height > CHUNK_ROWS
        ):
            yield waiting
            waiting, rows = [], 0
        since = since if waiting else time.monotonic()
        waiting.append(bite)
        rows += bite.frame.height
        if rows >= CHUNK_ROWS or len(waiting) >= _TOGETHER or time.monotonic() - since > _WAIT_S:
            yield waiting
            waiting, rows = [], 0
    if waiting:
        yield waiting
