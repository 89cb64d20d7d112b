"""The job `repair`: a person names what is to be rebuilt from what, in the launchpad."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from assets.quality import repairing
from assets.quality.repairing import Order
from assets.quality.targets import Target
from assets.resources import ClickHouse

JOB = "repair"


class Repair(dg.Config):
    """What to rebuild, and from what."""

    venue: str
    symbol: str            # unified: "BTC/USDT"
    first: str             # day, "2024-01-31"
    last: str = ""         # day; the first one where left out
    dataset: str = "bars"  # as the ingest log calls it: "bars" for one minute, "bars_1h"
    rebuild_from: str = "trades"  # "trades", or shorter bars: "bars", "bars_5m"
    replace: bool = False  # also bars that are there and differ from the rebuilt ones


def build(targets: Sequence[Target]) -> dg.JobDefinition:
    """The job; days that it changed are told to the assets of `targets`."""
    keys = {(target.venue, target.subject.label): target.key for target in targets}

    @dg.op
    def rebuild(context: dg.OpExecutionContext, config: Repair, clickhouse: ClickHouse) -> None:
        first = date.fromisoformat(config.first)
        last = date.fromisoformat(config.last or config.first)
        days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
        order = Order(config.venue, config.symbol, config.dataset, days, config.rebuild_from, config.replace)
        with clickhouse.client() as client:
            done = repairing.repair(client, order, context.run.run_id)
        for one in done:
            told: dict[str, int | str] = {
                "bars": one.bars, "state": one.state.label, "rebuilt_from": config.rebuild_from,
            }
            context.log.info("%s %s: %d bars rebuilt, now %s", config.symbol, one.day, one.bars, one.state.label)
            key = keys.get((config.venue, config.dataset))
            if one.bars and key:
                context.log_event(dg.AssetObservation(key, partition=one.day.isoformat(), metadata=told))
        context.add_output_metadata({"days": len(done), "bars": sum(one.bars for one in done)})

    @dg.job(name=JOB, description="Missing bars rebuilt from whole shorter bars or trades; earlier readings stay")
    def repair() -> None:
        rebuild()

    return repair
