"""Pictures of the risk report, drawn by matplotlib without a display."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from assets.risk_report_figures import PRESENT, Figures
from infra.mail import Picture
from risk.level import Level
from risk.units import PPM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8F98"
_LEVEL_COLOURS = {Level.INFO: GREEN, Level.WARNING: ORANGE, Level.ERROR: RED, Level.CRITICAL: RED}
_WIDE, _HALF = (9.2, 3.1), (4.5, 3.5)


def draw(figures: Figures) -> dict[str, Picture]:
    """The pictures by name."""
    charts = {
        "distribution": _distribution,
        "drawdown": _drawdown,
        "correlation": _correlation,
        "weights": _weights,
        "stress": _stress,
        "limits": _limits,
    }
    return {name: Picture(name, chart(figures)) for name, chart in charts.items()}


def _distribution(figures: Figures) -> bytes:
    figure, axes = _new(_WIDE)
    daily = figures.returns * figures.gross
    axes.hist(daily, bins=min(60, max(15, len(daily) // 4)), color=BLUE, alpha=0.55, edgecolor="white")
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    top = axes.get_ylim()[1]
    for confidence, colour, height in ((0.95, ORANGE, 0.97), (0.99, RED, 0.80)):
        tail = figures.tail("historical", confidence, 1)
        for value, style, label in (
            (tail.value_at_risk, "-", f"VaR {confidence:.0%}"),
            (tail.expected_shortfall, ":", f"ES {confidence:.0%}"),
        ):
            axes.axvline(-value * figures.gross, color=colour, linestyle=style, linewidth=1.6, label=label)
        axes.text(
            -tail.value_at_risk * figures.gross, top * height, f" {-tail.value_at_risk * figures.gross:,.0f}",
            color=colour, fontsize=8, va="top",
        )
    axes.set_xlabel(f"profit of one day, {figures.holdings.currency}")
    axes.set_ylabel("days")
    axes.legend(loc="upper right", frameon=False, fontsize=8, ncols=2)
    return _png(figure)


def _drawdown(figures: Figures) -> bytes:
    figure, axes = _new(_WIDE)
    days = np.array(figures.history.days[1:], dtype="datetime64[D]")
    path = -100.0 * figures.fall.path
    axes.fill_between(days, path, 0.0, color=RED, alpha=0.25, linewidth=0)
    axes.plot(days, path, color=RED, linewidth=1.2)
    deepest = figures.fall.trough
    if deepest >= 0:
        axes.annotate(
            f"-{figures.fall.maximum:.1%} on {figures.history.days[deepest + 1]}",
            (days[deepest], path[deepest]), textcoords="offset points", xytext=(6, 4), fontsize=8, color=RED,
        )
    axes.set_ylabel("below the peak, %")
    axes.set_ylim(top=0.0)
    axes.margins(x=0.01)
    figure.autofmt_xdate(rotation=0, ha="center")
    return _png(figure)


def _correlation(figures: Figures) -> bytes:
    figure, axes = _new(_HALF)
    names = [_short(symbol) for symbol in figures.history.symbols]
    image = axes.imshow(figures.correlations, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=0 if len(names) <= 8 else 90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.grid(visible=False)
    if len(names) <= 12:
        for row, column in np.ndindex(figures.correlations.shape):
            value = figures.correlations[row, column]
            axes.text(
                column, row, f"{value:.2f}" if np.isfinite(value) else "-", ha="center", va="center", fontsize=8,
                color="white" if abs(value) > 0.6 else "black",
            )
    figure.colorbar(image, ax=axes, shrink=0.85).ax.tick_params(labelsize=7)
    return _png(figure)


def _weights(figures: Figures) -> bytes:
    figure, axes = _new(_HALF)
    symbols = figures.history.symbols
    colours = (GREY, BLUE, ORANGE, GREEN)
    height = 0.8 / len(figures.weights)
    for at, (method, weights) in enumerate(figures.weights.items()):
        places = np.arange(len(symbols)) + (at - (len(figures.weights) - 1) / 2.0) * height
        axes.barh(
            places, [100.0 * weights[symbol] for symbol in symbols], height=height * 0.92,
            color=colours[at % len(colours)], label="present" if method == PRESENT else method.replace("_", " "),
        )
    axes.set_yticks(range(len(symbols)), [_short(symbol) for symbol in symbols], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    axes.set_xlabel("% of gross exposure")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, 1.17), ncols=2, frameon=False, fontsize=7)
    return _png(figure)


def _stress(figures: Figures) -> bytes:
    figure, axes = _new((9.2, 0.8 + 0.36 * len(figures.stress)))
    profits = [result.pnl for result in figures.stress]
    bars = axes.barh(range(len(profits)), profits, color=[RED if one < 0 else GREEN for one in profits], height=0.62)
    axes.bar_label(bars, [f"{one:+,.0f}" for one in profits], padding=4, fontsize=8)
    axes.set_yticks(range(len(profits)), [result.name for result in figures.stress], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    axes.margins(x=0.14)
    axes.set_xlabel(f"profit, {figures.holdings.currency}")
    return _png(figure)


def _limits(figures: Figures) -> bytes:
    figure, axes = _new((9.2, 0.9 + 0.3 * len(figures.usages)))
    shares = [usage.share_ppm * 100.0 / PPM for usage, _ in figures.usages]
    colours = [_LEVEL_COLOURS[level] for _, level in figures.usages]
    bars = axes.barh(range(len(shares)), shares, color=colours, height=0.62)
    axes.bar_label(bars, [f"{share:.0f} %" for share in shares], padding=4, fontsize=8)
    axes.set_yticks(range(len(shares)), [usage.limit_name for usage, _ in figures.usages], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(100.0 * figures.warning_at / PPM, color=ORANGE, linewidth=1.0, linestyle=":")
    axes.axvline(100.0, color=RED, linewidth=1.2)
    axes.set_xlim(0.0, max(112.0, *(share * 1.12 for share in shares)))
    axes.set_xlabel("% of the limit used")
    return _png(figure)


def _new(size: tuple[float, float]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="x", color="#e6e8eb", linewidth=0.7)
    return figure, axes


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def _short(symbol: str) -> str:
    return symbol.split("/", maxsplit=1)[0]
