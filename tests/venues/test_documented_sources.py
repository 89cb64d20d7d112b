"""The entries of config/sources.toml that the pages show are valid, down to the options of their format."""

import re
import tomllib

import pytest

from infra.settings import PROJECT
from venues.catalogue import Catalogue
from venues.files import column_map, registry, times

_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = {page.name: page.read_text() for page in sorted((PROJECT / "docs").glob("*.md"))}
SHOWN = [
    (name, block) for name, text in PAGES.items() for block in _BLOCK.findall(text)
    if "[[files]]" in block or "[[index]]" in block
]


def test_there_are_examples():
    assert {"inspect.md", "series.md"} <= {name for name, _ in SHOWN}


@pytest.mark.parametrize(("name", "block"), SHOWN, ids=[f"{name}-{at}" for at, (name, _) in enumerate(SHOWN)])
def test_an_entry_is_valid(name, block):
    catalogue = Catalogue.model_validate(tomllib.loads(block))
    for files in catalogue.files:
        registry.get(files.format)
        if files.format == "columns_parquet" or (files.format == "columns_csv" and "delimiter" not in files.options):
            assert column_map.of(files.options, name).columns
    for index in catalogue.index:
        assert index.time_unit in {"iso", *times.UNITS} or times.expression(index.time_unit)
