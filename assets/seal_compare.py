"""What the live flow heard of a day against what the venue tells of it afterwards: pure, by trade id."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_VALUES = ("ts_event", "price", "qty", "side")
GOAL_PPM = 100


@dataclass(frozen=True, slots=True)
class Trades:
    """One instrument's day."""

    told: int        # trades that the venue tells of the day
    heard: int       # of those, heard live
    lost: int        # of those between the first and the last heard: not heard
    differing: tuple[str, ...]  # heard with other values: the first of them, "id price 5 -> 6"
    differ: int      # how many
    unknown: int     # heard, but the venue does not tell of them

    @property
    def loss_ppm(self) -> int:
        """Lost trades a million, of those that fell into the time from the first heard to the last; rounded up."""
        span = self.heard + self.lost
        return -(-self.lost * 1_000_000 // span) if span else 0

    @property
    def coverage(self) -> float:
        """Share of the day's trades that was heard: also hours before the flow was started count."""
        return self.heard / self.told if self.told else 0.0

    @property
    def good(self) -> bool:
        """Within the goal, and nothing heard that was not so."""
        return self.loss_ppm < GOAL_PPM and not self.differ and not self.unknown


def trades(live: pl.DataFrame, told: pl.DataFrame) -> Trades:
    """Both frames hold `trade_id` and values of one instrument's day; an id heard twice counts once."""
    live = live.unique("trade_id", keep="first", maintain_order=True)
    told = told.unique("trade_id", keep="first", maintain_order=True)
    both = told.join(live, on="trade_id", how="left", suffix="_live", maintain_order="left").with_columns(
        heard=pl.col("ts_event_live").is_not_null()
    )
    first, last = live["ts_event"].min(), live["ts_event"].max()
    inside = both.filter(~pl.col("heard") & pl.col("ts_event").is_between(first, last))
    other = both.filter(pl.col("heard") & pl.any_horizontal(pl.col(name) != pl.col(f"{name}_live") for name in _VALUES))
    return Trades(
        told=told.height, heard=int(both["heard"].sum()), lost=inside.height,
        differing=tuple(_said(row) for row in other.head(5).iter_rows(named=True)), differ=other.height,
        unknown=live.join(told, on="trade_id", how="anti").height,
    )


@dataclass(frozen=True, slots=True)
class Updates:
    """One instrument's day of quotes or book updates, which nobody can ask for again."""

    rows: int
    holes: int             # places where update ids do not follow each other; 0 where ids leave numbers out
    backwards: int         # rows whose id is below the one before
    longest_silence_s: float
    first_ns: int
    last_ns: int


def updates(rows: pl.DataFrame, first: str, last: str) -> Updates:
    """`rows` in the order of reception, with `ts_recv` and the columns that hold the first and last id of a packet.

    Where both are the same column, ids only rise (a best quote's do not count its updates), and holes are unknown.
    """
    packets = rows.unique(["ts_recv", first, last], maintain_order=True)
    before = pl.col(last).shift(1)
    holes = pl.lit(0) if first == last else (pl.col(first) > before + 1).sum()
    found = packets.select(
        holes=holes, backwards=(pl.col(last) < before).sum(), silence=pl.col("ts_recv").diff().max().fill_null(0),
        first=pl.col("ts_recv").min().fill_null(0), last=pl.col("ts_recv").max().fill_null(0),
    ).row(0, named=True)
    return Updates(
        rows.height, int(found["holes"]), int(found["backwards"]), found["silence"] / 1e9, found["first"], found["last"]
    )


def _said(row: dict[str, int]) -> str:
    changed = [f"{name} {row[f'{name}_live']} -> {row[name]}" for name in _VALUES if row[name] != row[f"{name}_live"]]
    return f"{row['trade_id']}: {', '.join(changed)}"
