"""The live flow: `python -m bytewax.run streaming.flow`.

    inlet -> decode -> track -> decide -> trade -> sink

An item is a wake-up: all that one look at the sockets brought. Set TICKHOUSE_RUN_SECONDS to end it by itself;
SIGTERM and Ctrl-C end it in order: working orders are cancelled, the log is closed, `run/last_session.json` is left.
"""

from __future__ import annotations

import sys

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from infra import settings as configuration
from infra.errors import TickhouseError
from streaming.inlet import InletSource
from streaming.live import Live
from streaming.sink import OutletSink


def flow() -> Dataflow:
    """The dataflow, with everything it needs started; called by bytewax.run. What is missing ends it in one line."""
    try:
        return build(Live.start(configuration.load()))
    except TickhouseError as error:
        sys.exit(str(error))


def build(live: Live) -> Dataflow:
    """The steps in their order."""
    engine = live.engine
    dataflow = Dataflow("tickhouse")
    wakes = op.input("inlet", dataflow, InletSource(live.inlet))
    batches = op.flat_map_batch("decode", wakes, engine.decode)
    tracked = op.flat_map_batch("track", batches, engine.track)
    decided = op.flat_map_batch("decide", tracked, engine.decide)
    traded = op.flat_map_batch("trade", decided, engine.trade)
    op.output("sink", traded, OutletSink(live.outlet))
    return dataflow
