"""Dagster's own freshness of the ingest assets: the badge that the UI shows.

It knows when an asset was last materialised, not which days and instruments are whole: a backfill of an old day makes
it fresh. Mails therefore come from the ingest log (`alerts_stale`), and these policies are for the eye.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from assets.coverage import INGEST

# The nightly ingest comes once a day and may take some hours; what was never materialised stays unknown.
POLICY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=27), fail_window=timedelta(hours=51))


def watched(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The same assets, those of the group `ingest` with the policy."""
    return [asset.map_asset_specs(_with_policy) for asset in assets]


def _with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    if spec.group_name != INGEST or spec.freshness_policy is not None:
        return spec
    return spec.replace_attributes(freshness_policy=POLICY)
