"""`columns_parquet`: a Parquet file, by a column map in the options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from venues.files import arrow, column_map, telling
from venues.files.format import Opened, Part
from venues.files.mapped import Mapped


class ColumnsParquet:
    """Parquet whose columns the options name."""

    name = "columns_parquet"
    datasets = tuple(column_map.NEEDED)

    def read(self, file: Opened) -> Iterator[Part]:
        """The rows; SOURCES_INVALID for a wrong option, FILE_* for a wrong file."""
        columns = column_map.of(file.options, file.name)
        mapped = Mapped(file, columns)
        for batch in arrow.parquet(file, columns.used):
            yield from mapped.parts(batch)

    def raw(self, file: Opened, lines: Sequence[int]) -> dict[int, str]:
        """The rows at these places, as JSON."""
        return telling.of_batches(arrow.parquet(file), lines)


FORMAT = ColumnsParquet()
