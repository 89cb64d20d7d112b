"""Runs a recorded session again and compares what it decided, record by record.

    python -m streaming.replay [SESSION]

SESSION is a session's name, or its folder below `input_log`; the last one where none is given.

The steps are the live ones; the input log is all they read, besides the order journal up to the session's first
record and the model file whose SHA-256 the log names. Everything that the live flow wrote into its journal, from
intents to refusals and the feature digest at its end, must come out byte for byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from execution import journal
from execution.messages import Note, decode_entry
from execution.oms import Oms
from infra import settings as configuration
from infra.errors import TickhouseError
from infra.home import Home
from streaming.engine import Engine
from streaming.errors import StreamCode
from streaming.input_log import Entry, WakeUp, read
from streaming.start import ModelRef, Start


@dataclass(slots=True)
class Keeper:
    """Keeps what the replayed session would have journaled."""

    seq: int
    payloads: list[bytes] = field(default_factory=list)

    def append(self, payload: bytes) -> int:
        """Takes a record."""
        self.payloads.append(payload)
        self.seq += 1
        return self.seq


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a replay found."""

    session: str
    wake_ups: int
    frames: int
    events: int
    orders: int            # intents that went out
    records: int           # journal records that came out
    feature_digest: int    # CRC-32 over all feature rows
    identical: bool        # all records that the live flow wrote came out again, and no others
    first_difference: int  # journal record where they part, 0 for none
    ended_in_order: bool   # False for a session that was killed: its last records may be missing in the journal


def replay(folder: Path, home: Home) -> tuple[Verdict, list[str]]:
    """The verdict and the order ids; INPUT_LOG_BROKEN where the log does not begin with a start."""
    wakes = read(folder)
    first = next(wakes, None)
    if first is None or not first.inputs or first.inputs[0].kind != Entry.START:
        raise TickhouseError(StreamCode.INPUT_LOG_BROKEN, folder=folder, problem="it does not begin with a start")
    start = Start.decode(first.inputs[0].body)
    keeper = Keeper(start.journal_seq)
    orders = home.journal(start.account)
    oms = Oms.at(orders, start.instruments, start.account, start.journal_seq, keeper)
    engine = Engine.build(start, oms, read_model)
    wake_ups = frames = events = digest = 0
    ids: list[str] = []
    ended = False
    for wake in _chain(first, wakes):
        batch = engine.run(wake)
        wake_ups += 1
        frames += batch.frames
        events += len(batch.events)
        digest = batch.digest
        ids += batch.order_ids
        ended = ended or any(entry.kind == Entry.END for entry in wake.inputs)
    recorded = list(_recorded(orders, start))
    different = _first_difference(recorded, keeper.payloads, ended=ended)
    verdict = Verdict(
        start.session, wake_ups, frames, events, len(ids), len(keeper.payloads), digest,
        different < 0, 0 if different < 0 else start.journal_seq + 1 + different, ended,
    )  # fmt: skip
    return verdict, ids


def session_folder(home: Home, session: str) -> Path:
    """The folder of a session given by name, by folder, or not at all (the last one); INPUT_LOG_BROKEN for none."""
    if session and Path(session).is_dir():
        return Path(session)
    folder = home.input_log(session) if session else max(home.input_log("").glob("*"), default=home.input_log("none"))
    if not folder.is_dir():
        raise TickhouseError(StreamCode.INPUT_LOG_BROKEN, folder=folder, problem="there is no such session")
    return folder


def read_model(ref: ModelRef) -> bytes:
    """The model's file."""
    return Path(ref.path).read_bytes()


def _chain(first: WakeUp, rest: Iterator[WakeUp]) -> Iterator[WakeUp]:
    yield first
    yield from rest


def _recorded(folder: Path, start: Start) -> Iterator[bytes]:
    """The journal's records of this session."""
    for record in journal.read(folder, start.journal_seq + 1):
        entry = decode_entry(record.payload)
        if isinstance(entry, Note) and entry.kind == "session" and entry.detail != start.session:
            return
        yield record.payload


def _first_difference(recorded: list[bytes], again: list[bytes], *, ended: bool) -> int:
    for at, (was, now) in enumerate(zip(recorded, again, strict=False)):
        if was != now:
            return at
    # A kill may come between the input log and the journal: then the replay knows more, never less.
    if len(recorded) > len(again) or (ended and len(recorded) < len(again)):
        return min(len(recorded), len(again))
    return -1


def main(arguments: list[str]) -> int:
    """Prints the order ids and one line of JSON; exit code 1 where anything differs."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        sys.stderr.write("usage: python -m streaming.replay [SESSION]\n")
        return 2
    home = Home(configuration.load().home)
    verdict, ids = replay(session_folder(home, arguments[0] if arguments else ""), home)
    sys.stdout.write("".join(f"{order_id}\n" for order_id in ids))
    words = "identical" if verdict.identical else f"DIFFERENT from journal record {verdict.first_difference} on"
    sys.stdout.write(f"{json.dumps(asdict(verdict))}\n{len(ids)} order ids: {words}\n")
    return 0 if verdict.identical else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except TickhouseError as error:
        sys.exit(str(error))
