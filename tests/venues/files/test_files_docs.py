"""docs/files.md says what there is: its entry loads, its paths expand, every format and placeholder is told."""

import re
import string
from datetime import date

from infra.settings import PROJECT
from tests.venues.files.reading import life
from venues import catalogue
from venues.files import registry
from venues.files.errors import FileCode
from venues.files.paths import DAY_NS, covering, expand
from venues.files.source import FileSource
from venues.source import Request

PAGE = (PROJECT / "docs" / "files.md").read_text()
DAY = 19_675 * DAY_NS  # 2023-11-14


def test_the_entry_is_one(tmp_path):
    (tmp_path / "sources.toml").write_text(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1])
    entry, = catalogue.load(tmp_path / "sources.toml").files
    source = FileSource(entry, tmp_path)
    file, = source.expected(Request(registry.get(entry.format).datasets[0], life(), DAY, DAY + DAY_NS))
    assert file.path.endswith("/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2023-11-14.zip")


def test_every_format_and_code_stands_in_it():
    assert [name for name in registry.names() if f"`{name}`" not in PAGE] == []
    assert [code.name for code in FileCode if code.name not in PAGE] == []


def test_every_path_expands_and_every_placeholder_is_told():
    paths = re.findall(r"\| `([^`]*\{[^`]*)` \|\n", PAGE)
    assert len(paths) > 10
    for path in paths:
        assert "{" not in covering(path, life(), DAY, DAY + 1)[0].path
    rows = "".join(re.findall(r"^\| (`\{.*?) \|", PAGE, re.MULTILINE))
    told = {name for _, name, _, _ in string.Formatter().parse(rows) if name}
    assert all(expand(f"{{{name}}}", life(), date(2023, 11, 14)) for name in told)
    assert {"day", "month", "year", "venue_symbol", "file_symbol", "symbol", "base", "quote", "settle"} <= told
