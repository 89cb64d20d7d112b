"""Features and labels from trades, by the kernels that also run live; partitioned by day, in the order of days."""

# No `from __future__ import annotations` here: Dagster reads the annotations of its decorated functions as objects.

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import polars as pl

from assets.carry import Derivation, Derived, State, days_after, run
from assets.ingest import days as calendar
from assets.resources import ClickHouse
from market.events import Events
from research.labels import forward_return
from signals.features import registry
from store import features, instruments, labels

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

GROUP = "features"


def build(venue: str, symbols: Sequence[str], daily: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """One asset a feature group and one a label, all from the venue's trades."""
    made = [
        _asset(f"features_{name}", f"Feature group `{name}`, a row a trade", partial(feature_group, name), venue,
               symbols, daily)
        for name in registry.names()
    ]
    label = _asset("labels_forward_return", "Forward log return of the trade price over 60 s, known when it has passed",
                   forward_return_60s, venue, symbols, daily)
    return [*made, label]


def feature_group(name: str) -> Derivation:
    """How a feature group's rows come from trades."""
    group = registry.get(name)

    def step(state: State, events: Events, instrument: int) -> tuple[State, pl.DataFrame]:
        rows, index = registry.compute(group, state, events)
        frame = pl.DataFrame(
            {
                "ts_event": np.ascontiguousarray(events["ts_event"][index]),
                "seq": np.ascontiguousarray(events["seq"][index]),
                "ts_known": np.ascontiguousarray(events["ts_recv"][index]),
                "vector": features.vectors(rows),
            }
        )
        return state, frame.with_columns(instrument=pl.lit(instrument, dtype=pl.UInt32))

    def write(client: "Client", frame: pl.DataFrame) -> int:
        return features.write(client, group.name, group.version, frame)

    return Derivation(
        name=group.name, version=group.version, fresh=group.state,
        restore=lambda instrument, data: registry.state_from_bytes(group, instrument, data),
        step=step, write=write,
    )


def forward_return_60s() -> Derivation:
    """How the label's rows come from trades."""

    def step(state: State, events: Events, instrument: int) -> tuple[State, pl.DataFrame]:
        state, found = forward_return.update(state, events)
        frame = pl.DataFrame(
            {"ts_event": found.ts_event, "seq": found.seq, "ts_known": found.ts_known, "value": found.value}
        )
        return state, frame.with_columns(instrument=pl.lit(instrument, dtype=pl.UInt32))

    return Derivation(
        name=f"label:{forward_return.NAME}", version=forward_return.VERSION,
        fresh=lambda _: forward_return.fresh(), restore=lambda _, data: forward_return.state_from_bytes(data),
        step=step,
        write=lambda client, frame: labels.write(client, forward_return.NAME, frame),
    )


def _asset(
    name: str, description: str, how: Callable[[], Derivation], venue: str, symbols: Sequence[str],
    daily: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name, group_name=GROUP, description=description, kinds={"clickhouse"}, partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(), deps=[dg.AssetKey([venue, "trades"])],
        pool=name,  # two runs of one recursion would both start from the same state
    )
    def derived(context: dg.AssetExecutionContext, clickhouse: ClickHouse) -> dg.MaterializeResult[None]:
        days = calendar.from_keys(context.partition_keys)
        done: list[Derived] = []
        with clickhouse.client() as client:
            known = [life for life in instruments.load(client) if life.venue == venue and life.symbol in symbols]
            for life in known:
                if not life.valid_to:
                    done += run(client, how(), life.id, days)
            stale = _stale(client, how(), [one for one in done if one.changed and one.day == days[-1]])
        if stale:
            context.log.warning(
                "%d later day(s) rest on the state that %s had before: materialise them again, in order",
                stale, days[-1],
            )
        for day in days:
            today = [one for one in done if one.day == day]
            told = {"dagster/partition_row_count": sum(one.rows for one in today),
                    "trades": sum(one.trades for one in today), "instruments": len(today)}
            if day == days[-1]:
                told["days_to_redo"] = stale
            context.add_asset_metadata(told, partition_key=day.isoformat())
        return dg.MaterializeResult()

    return derived


def _stale(client: "Client", how: Derivation, changed: Sequence[Derived]) -> int:
    """Later days that were derived from a state which is no longer that of the day before them."""
    return max((days_after(client, how, one.instrument, one.day) for one in changed), default=0)
