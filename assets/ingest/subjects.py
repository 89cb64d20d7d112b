"""What bulk files and indices hold, by their entries in config/sources.toml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assets.ingest.feeds import Subject
from market.dataset import Dataset

if TYPE_CHECKING:
    from venues import catalogue

_MINUTE = 60
_PLACE = re.compile(r"\{[^}]*\}")


def of_files(entry: catalogue.Files) -> list[Subject]:
    """A subject for each dataset, interval and series of the files; FORMAT_UNKNOWN for a format that we lack.

    `options` may name `dataset`, `interval_s` and `series`; otherwise the format tells its datasets and series, and
    the path the interval of bars, a minute where it does not.
    """
    from venues.files import intervals, registry

    known, options = registry.get(entry.format), entry.options
    datasets = [Dataset(options["dataset"])] if "dataset" in options else known.datasets
    told = str(options.get("interval_s", ""))
    interval_s = intervals.seconds(told) or int(told or 0) or _of_path(entry.path) or _MINUTE
    found = []
    for dataset in datasets:
        if dataset is Dataset.SERIES:
            names = options.get("series") or getattr(known, "series", None) or ()
            found += [Subject(dataset, series=str(name)) for name in names]
        else:
            found.append(Subject(dataset, interval_s if dataset is Dataset.BARS else _MINUTE))
    return found


def _of_path(path: str) -> int | None:
    """The interval that the path tells outside its places: `{day}` is no word about bars."""
    from venues.files import intervals

    return intervals.of_name(_PLACE.sub("", path))


def of_index(entry: catalogue.Index) -> list[Subject]:
    """A subject for each series of the index."""
    return [Subject(Dataset.SERIES, series=name) for name in entry.columns]
