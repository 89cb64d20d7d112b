"""`columns_sqlite`: a table of an SQLite file, read only, by a column map in the options.

Beside the map: `table`, and `filter`, a condition in SQL. A mapped column may be an expression of SQL
(`json_extract(candle, '$[1]')`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.errors import TickhouseError
from venues.errors import VenueCode
from venues.files import column_map, sqlite, telling
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped

_OWN = ("table", "filter")


class ColumnsSqlite:
    """SQLite whose columns the options name."""

    name = "columns_sqlite"
    datasets = tuple(column_map.NEEDED)

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows; SOURCES_INVALID for a wrong option, FILE_* for a wrong file."""
        table = str(file.options.get("table", ""))
        if not table:
            problem = f"say which: {', '.join(sqlite.tables(file)) or 'there is none'}"
            raise TickhouseError(VenueCode.SOURCES_INVALID, file=file.name, key="options.table", problem=problem)
        columns = column_map.of(file.options, file.name, *_OWN)
        mapped = Mapped(file, columns)
        for batch in sqlite.rows(file, table, columns.used, str(file.options.get("filter", ""))):
            yield from mapped.parts(batch)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places, as JSON."""
        return telling.of_batches(sqlite.rows(file, str(file.options.get("table", "")), (), sqlite.among(lines)), lines)


FORMAT = ColumnsSqlite()
