"""The daily factors in plain polars expressions: the benchmark's baseline, and the tests' oracle."""

from __future__ import annotations

import polars as pl

_LIFE = "instrument"


def factors(bars: pl.DataFrame, unit: float) -> pl.DataFrame:
    """`instrument, ts_event` and the fourteen factors, null where one is not defined; nothing else is computed.

    `bars` is sorted by instrument and time and has positive prices; `unit` is what a step of price times volume is
    worth in the quote currency.
    """
    close, volume = pl.col("close").cast(pl.Float64), pl.col("volume").cast(pl.Float64)
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3.0
    prepared = bars.lazy().select(
        _LIFE, "ts_event", close=close, volume=volume,
        move=(close / close.shift(1)).log().over(_LIFE),
        value=typical * volume,
        range=(pl.col("high") / pl.col("low")).log(),
        fall=(close / close.rolling_max(60, min_samples=1) - 1.0).over(_LIFE),
    )  # fmt: skip
    close, move, turnover = pl.col("close"), pl.col("move"), pl.col("value") * unit
    gain, loss = (
        side.clip(lower_bound=0.0).ewm_mean(alpha=1 / 14, adjust=False, min_samples=14) for side in (move, -move)
    )
    volume = pl.col("volume").rolling_sum(20)
    illiquid = pl.when(turnover > 0).then(move.abs() / turnover * 1e6)
    found: dict[str, pl.Expr] = {f"ret_{n}": (close / close.shift(n)).log() for n in (1, 5, 20, 60)}
    found |= {f"vol_{n}": move.rolling_std(n) for n in (20, 60)}
    found |= {
        "rsi_14": pl.when(gain + loss > 0).then(100.0 * gain / (gain + loss)).when(gain == 0).then(50.0),
        "ma_ratio_10_30": (close.rolling_mean(10) / close.rolling_mean(30)).log(),
        "volume_ratio_20": pl.when(volume > 0).then(pl.col("volume") / (volume / 20.0)),
        "range": pl.col("range"),
        "vwap_dist_20": pl.when(volume > 0).then((close / (pl.col("value").rolling_sum(20) / volume)).log()),
        "skew_20": move.rolling_skew(20),
        "drawdown_60": pl.col("fall").rolling_min(60),
        "amihud_20": pl.when(close.shift(20).is_not_null()).then(illiquid.rolling_mean(20, min_samples=1)),
    }
    own = {name: one.over(_LIFE) for name, one in found.items()}
    return prepared.select(_LIFE, "ts_event", **own).collect()
