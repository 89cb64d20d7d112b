"""Checks that read other datasets are planned after them, and never in a ring."""

from graphlib import TopologicalSorter

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from assets.ingest.feeds import Subject
from assets.quality import targets
from assets.quality.targets import Target
from market.dataset import Dataset

SUBJECTS = st.builds(
    Subject, st.sampled_from([Dataset.TRADES, Dataset.BARS, Dataset.FUNDING_RATES, Dataset.QUOTES]),
    st.sampled_from([60, 300, 3_600]),
)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("uvwxyz"), st.lists(SUBJECTS, min_size=1, max_size=3)),
                max_size=8, unique_by=lambda one: one[:2]))
def test_checks_never_wait_for_each_other(assets):
    every = [Target(dg.AssetKey([venue, name]), venue, subject) for venue, name, held in assets for subject in held]
    graph = {}
    for target in targets.crossed(every):
        graph.setdefault(target.key, set()).update(targets.beside(target, every))
    list(TopologicalSorter(graph).static_order())


def test_longer_bars_wait_for_shorter_ones_and_for_trades():
    minutes, files, trades = (
        Target(dg.AssetKey(["binance", name]), "binance", Subject(dataset, interval_s))
        for name, dataset, interval_s in (
            ("bars_1m", Dataset.BARS, 60), ("klines_5m", Dataset.BARS, 300), ("trades", Dataset.TRADES, 60)
        )
    )
    every = [minutes, files, trades]
    assert targets.beside(files, every) == [minutes.key, trades.key]
    assert targets.beside(minutes, every) == [trades.key]
