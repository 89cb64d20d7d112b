"""Written times to UTC nanoseconds: ISO, a strptime pattern, a counted unit, or a typed column. Nothing is guessed."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from venues.files import cells

UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}   # unit -> the decimals that reach nanoseconds
DAY_NS = 86_400_000_000_000
_LATEST = 7_258_118_400 * 10**9  # 2200-01-01

# The directives of strptime that are read; each becomes a named group.
_DIRECTIVES = {
    "Y": r"(?<Y>\d{4})", "y": r"(?<y>\d{2})", "m": r"(?<m>\d{1,2})", "d": r"(?<d>\d{1,2})", "b": r"(?<b>[A-Za-z]{3})",
    "H": r"(?<H>\d{1,2})", "I": r"(?<I>\d{1,2})", "M": r"(?<M>\d{1,2})", "S": r"(?<S>\d{1,2})", "f": r"(?<f>\d{1,9})",
    "p": r"(?<p>[AaPp][Mm])", "z": r"(?<z>Z|UTC|[+-]\d{2}:?\d{2})", "%": "%",
}
_ISO = (
    r"^(?<Y>\d{4})[-/](?<m>\d{2})[-/](?<d>\d{2})"
    r"(?:[T ](?<H>\d{2}):(?<M>\d{2})(?::(?<S>\d{2})(?:[.,](?<f>\d{1,9}))?)?)?\s?(?<z>Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_FORMS = {  # by length and the character after the day
    (10, ""): "%Y-%m-%d", (16, " "): "%Y-%m-%d %H:%M", (16, "T"): "%Y-%m-%dT%H:%M",
    (19, " "): "%Y-%m-%d %H:%M:%S", (19, "T"): "%Y-%m-%dT%H:%M:%S",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OFFSET = re.compile(r"^(?:UTC)?([+-])(\d{2}):?(\d{2})$")


class TimeOptionError(ValueError):
    """A pattern or zone that nobody can read."""


def nanoseconds(values: pl.Series, how: str = "iso", zone: str = "UTC") -> pl.Series:
    """UTC ns (Int64) of each cell; null where it is empty or not written so, or does not exist in the zone.

    `how`: "iso", a unit of `UNITS` since 1970, or a strptime pattern; a column of dates or datetimes is taken as it
    is. `zone` ("UTC", "UTC+03:00" or an IANA name) is that of times that name none. TimeOptionError for a pattern
    or zone that is not understood.
    """
    if isinstance(values.dtype, pl.Datetime):
        stamps = values.dt.cast_time_unit("ns")
        if values.dtype.time_zone is not None:
            return stamps.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Int64)
        return to_utc(stamps.cast(pl.Int64), zone)
    if values.dtype == pl.Date:
        return to_utc(values.cast(pl.Int64) * DAY_NS, zone)
    if how in UNITS:
        return cells.whole(values, UNITS[how])
    text = values.cast(pl.String).str.strip_chars()
    if how == "iso" and (plain := _plain(text)) is not None:
        return to_utc(plain, zone)
    pattern = _ISO if how == "iso" else expression(how)
    parts = text.str.extract_groups(pattern).struct.unnest()
    local = _assemble(parts)
    if "z" not in parts.columns:
        return to_utc(local, zone)
    named = parts["z"].is_not_null()
    return (local - _offsets(parts["z"])).zip_with(named, to_utc(local, zone))


def to_utc(local: pl.Series, zone: str) -> pl.Series:
    """UTC ns of wall-clock ns; null where the clock of the zone was put forward or back and the hour is unclear."""
    if zone in {"UTC", "Z", ""}:
        return local
    offset = _OFFSET.match(zone)
    if offset:
        return local - _seconds(offset) * 1_000_000_000
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise TimeOptionError(f'zone "{zone}" is neither UTC, an offset like "UTC+03:00" nor an IANA name') from error
    walls = local.cast(pl.Datetime("ns")).dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return walls.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Int64)


def expression(pattern: str) -> str:
    """The regular expression of a strptime pattern; TimeOptionError for a directive that is not read."""
    out, rest = "^", pattern
    while rest:
        if rest[0] != "%":
            out, rest = out + re.escape(rest[0]), rest[1:]
            continue
        if rest[1:2] not in _DIRECTIVES:
            raise TimeOptionError(f'time "{pattern}": no directive %{rest[1:2]}; there are {" ".join(_DIRECTIVES)}')
        out, rest = out + _DIRECTIVES[rest[1]], rest[2:]
    if not (("<Y>" in out or "<y>" in out) and ("<m>" in out or "<b>" in out) and "<d>" in out):
        raise TimeOptionError(f'time "{pattern}": a unit ({", ".join(UNITS)}), "iso" or a pattern with a whole date')
    if ("<I>" in out) != ("<p>" in out):
        raise TimeOptionError(f'time "{pattern}": %I and %p belong together')
    return out + "$"


def _plain(text: pl.Series) -> pl.Series | None:
    """The same for the commonest forms, ten times as fast; None where a cell is written in another way."""
    present = text.drop_nulls()
    lengths = present.str.len_bytes()
    if not len(present) or lengths.min() != lengths.max():
        return None
    form = _FORMS.get((len(present[0]), present[0][10:11]))
    if form is None or present.str.ends_with(":60").any():
        return None
    stamps = text.str.to_datetime(form, strict=False, time_unit="ns").cast(pl.Int64)
    if stamps.null_count() != text.null_count() or not bool(stamps.is_between(0, _LATEST).all()):
        return None
    return stamps


def _assemble(parts: pl.DataFrame) -> pl.Series:
    """Wall-clock ns of the groups found; null where there was no match or the date is not in the calendar."""
    matched = parts["d"].is_not_null().to_numpy()

    def number(name: str, absent: int = 0) -> NDArray[np.int64]:
        if name not in parts.columns:
            return np.full(len(parts), absent, dtype=np.int64)
        return parts[name].cast(pl.Int64).fill_null(absent).to_numpy()

    year = number("Y") if "Y" in parts.columns else 2000 + number("y")
    if "b" in parts.columns:
        found = parts["b"].str.to_lowercase().replace_strict(list(_MONTHS), list(range(1, 13)), default=0)
        month = found.cast(pl.Int64).fill_null(0).to_numpy()
    else:
        month = number("m", 1)
    day, hour, minute, second = number("d", 1), number("H"), number("M"), number("S")
    good = matched & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1970) & (year < 2200)
    if "I" in parts.columns:
        twelve = number("I", 12)
        good &= (twelve >= 1) & (twelve <= 12)
        hour = twelve % 12 + 12 * (parts["p"].str.to_lowercase() == "pm").fill_null(value=False).to_numpy()
    good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    safe_year, safe_month = np.where(good, year, 1970), np.where(good, month, 1)
    first = ((safe_year - 1970) * 12 + safe_month - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (np.where(good, day, 1) - 1)
    good &= days.astype("datetime64[M]") == first
    nanos = np.zeros(len(parts), dtype=np.int64)
    if "f" in parts.columns:
        nanos = parts["f"].fill_null("0").str.pad_end(9, "0").cast(pl.Int64).to_numpy()
    seconds = days.astype(np.int64) * 86_400 + hour * 3_600 + minute * 60 + second
    return pl.Series(np.where(good, seconds * 1_000_000_000 + nanos, 0)).set(~pl.Series(good), None)


def _offsets(zones: pl.Series) -> pl.Series:
    """Ns to take off, by cell; 0 for Z, UTC and none."""
    seconds = {name: _seconds(match) for name in zones.unique() if name and (match := _OFFSET.match(name))}
    return zones.replace_strict(seconds, default=0, return_dtype=pl.Int64) * 1_000_000_000


def _seconds(offset: re.Match[str]) -> int:
    sign, hours, minutes = offset.groups()
    return (int(hours) * 3_600 + int(minutes) * 60) * (-1 if sign == "-" else 1)
