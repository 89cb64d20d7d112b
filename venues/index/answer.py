"""The bytes that a publisher answered, as rows of text by column; nothing is known of series yet."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from infra.errors import TickhouseError
from market.instrument import market_of
from venues.files import table
from venues.files.format import Opened
from venues.index.errors import IndexCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_EXCERPT = 160
# Keys by which publishers say that there is more than this page.
_MORE = ("next_page_url", "next_page_token", "nextPageToken", "next_page", "next")


@dataclass(frozen=True, slots=True)
class Answer:
    """`cells` has the columns that were asked for as text (null: no such value in that row) and `line`, the row."""

    cells: pl.DataFrame
    raw: dict[int, str]  # by `line`, the row as it was written


def read_json(url: str, content: IO[bytes], path: str, columns: Sequence[str]) -> Answer:
    """The rows at the dotted `path` of a JSON document: objects, lists ("0", "1") or an object by time ("key").

    SERIES_NOT_DATA where it is no JSON, SERIES_CHANGED where path or column is missing, SERIES_SHORT where the document
    says that it is one page of several.
    """
    text = content.read()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TickhouseError(
            IndexCode.SERIES_NOT_DATA, url=url, problem=f"not JSON: {error}", excerpt=_shown(text)
        ) from error
    rows = _rows(url, document, path)
    found = sorted({name for row in rows[:100] for name in row})
    missing = [name for name in columns if rows and not any(_cell(row, name) is not None for row in rows)]
    if missing:
        raise TickhouseError(
            IndexCode.SERIES_CHANGED, url=url, missing=", ".join(missing), found=", ".join(map(str, found))[:300]
        )
    if isinstance(document, dict) and (more := next((key for key in _MORE if document.get(key)), "")):
        raise TickhouseError(IndexCode.SERIES_SHORT, url=url, problem=f"one page of several: {more} is set")
    cells = {name: [_text(_cell(row, name)) for row in rows] for name in columns}
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String)).with_row_index(table.LINE, offset=1)
    return Answer(frame, {place: json.dumps(row) for place, row in enumerate(rows, 1)})


def read_csv(url: str, content: IO[bytes], columns: Sequence[str]) -> Answer:
    """The rows of delimited text with a header; `line` is the physical line. FILE_* where it is no such text."""
    text = content.read()
    if text.lstrip()[:1] in {b"<", b"{", b"["}:
        raise TickhouseError(IndexCode.SERIES_NOT_DATA, url=url, problem="not CSV", excerpt=_shown(text))
    frames = list(table.rows(Opened(url, io.BytesIO(text), market_of("series")), table.Layout()))
    have = [name for name in frames[0].columns if name != table.LINE] if frames else list(columns)
    missing = [name for name in columns if name not in have]
    if missing:
        raise TickhouseError(IndexCode.SERIES_CHANGED, url=url, missing=", ".join(missing), found=", ".join(have)[:300])
    whole = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys([*columns, table.LINE], pl.String))
    lines = text.decode(errors="backslashreplace").splitlines()
    told = whole[table.LINE].to_list()
    blank = pl.col(list(columns)).cast(pl.String).str.strip_chars().replace("", None)
    return Answer(whole.select(table.LINE, blank), {line: lines[line - 1] for line in told if line <= len(lines)})


def _rows(url: str, document: Any, path: str) -> list[dict[str, Any]]:
    found, walked = document, "the document"
    for step in [step for step in path.split(".") if step]:
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            have = ", ".join(map(str, found))[:300] if isinstance(found, dict) else type(found).__name__
            raise TickhouseError(
                IndexCode.SERIES_CHANGED, url=url, missing=step, at=walked, found=have,
                excerpt=json.dumps(found)[:_EXCERPT],
            )
        walked = step
    if isinstance(found, dict):
        found = [
            {"key": key, **(value if isinstance(value, dict) else {"value": value})} for key, value in found.items()
        ]
    if not isinstance(found, list):
        raise TickhouseError(
            IndexCode.SERIES_CHANGED, url=url, missing=f"rows at {path or 'the top'}", found=type(found).__name__
        )
    rows = [_row(row) for row in found]
    wrong = next((place for place, row in enumerate(rows, 1) if row is None), 0)
    if wrong:
        raise TickhouseError(
            IndexCode.SERIES_ROW_BAD, url=url, row=wrong, problem="neither an object nor a list",
            value=str(found[wrong - 1])[:_EXCERPT],
        )
    return [row for row in rows if row is not None]


def _row(row: object) -> dict[str, Any] | None:
    if isinstance(row, dict):
        return row
    return {str(place): cell for place, cell in enumerate(row)} if isinstance(row, list) else None


def _cell(row: dict[str, Any], name: str) -> Any:
    """The value under a name, which may be a dotted path where no key is named so."""
    if name in row:
        return row[name]
    found: Any = row
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(cell: object) -> str | None:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    return json.dumps(cell) if isinstance(cell, (bool, dict, list)) else str(cell).strip()


def _shown(text: bytes) -> str:
    return " ".join(text[:_EXCERPT].decode(errors="backslashreplace").split())


def names(columns: Iterable[str]) -> list[str]:
    """Each name once, the empty ones left out."""
    return list(dict.fromkeys(name for name in columns if name))
