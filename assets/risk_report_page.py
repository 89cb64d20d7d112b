"""The risk report as a page, as Markdown for the Dagster UI, and as an e-mail: one template, three dresses."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.risk_report_figures import Figures
from infra.mail import Message, Picture
from risk.level import Level
from risk.units import MONEY_SCALE, PPM
from risk.var import CONFIDENCES, HORIZONS, METHODS


def title(figures: Figures) -> str:
    """Headline of page and mail."""
    return f"Risk report {figures.history.days[-1]}"


def page(figures: Figures, pictures: Mapping[str, Picture], footer: str) -> str:
    """A page of its own: the pictures are inside."""
    inline = {name: "data:image/png;base64," + base64.b64encode(one.png).decode() for name, one in pictures.items()}
    return _render(figures, inline, footer)


def mail(figures: Figures, pictures: Mapping[str, Picture], footer: str) -> Message:
    """The same page as an e-mail, headline figures in the subject and a plain text for readers without HTML."""
    tail = figures.tail("historical", 0.99, 1)
    breached = sum(level >= Level.ERROR for _, level in figures.usages)
    subject = (
        f"{title(figures)}: VaR 99 % {tail.value_at_risk * figures.gross:,.0f} {figures.holdings.currency}"
        + (f", {breached} limit(s) breached" if breached else "")
    )
    html = _render(figures, {name: f"cid:{name}" for name in pictures}, footer)
    return Message(subject, f"{markdown(figures)}\n\n{footer}\n", html, tuple(pictures.values()))


def markdown(figures: Figures) -> str:
    """The tables without pictures."""
    columns = [(confidence, horizon) for confidence in CONFIDENCES for horizon in HORIZONS]
    lines = [f"**{title(figures)}**: {figures.holdings.name}", ""]
    lines += ["| | | |", "|---|---|---|"]
    lines += [f"| {name} | **{value}** | {detail} |" for name, value, detail, _ in _tiles(figures)]
    lines += ["", "| VaR / ES, % of gross | " + " | ".join(f"{c:.0%} {h} d" for c, h in columns) + " |"]
    lines += ["|---|" + "---:|" * len(columns)]
    for method in METHODS:
        cells = [figures.tail(method, confidence, horizon) for confidence, horizon in columns]
        shown = [
            f"{one.value_at_risk:.2%} / {one.expected_shortfall:.2%}{'' if one.reliable else '*'}" for one in cells
        ]
        lines.append(f"| {method.replace('_', '-')} | " + " | ".join(shown) + " |")
    lines += ["", f"| stress | profit, {figures.holdings.currency} |", "|---|---:|"]
    lines += [f"| {result.name} | {result.pnl:+,.0f} |" for result in figures.stress]
    lines += ["", *(f"- {note}" for note in figures.notes)]
    return "\n".join(lines)


def _tiles(figures: Figures) -> list[tuple[str, str, str, bool]]:
    """Headline figures: name, value, detail, whether it is bad."""
    currency, gross = figures.holdings.currency, figures.gross
    tail = figures.tail("historical", 0.99, 1)
    worst = min(figures.stress, key=lambda result: result.pnl)
    usage, level = max(figures.usages, key=lambda pair: pair[0].share_ppm)
    return [
        (
            "VaR 99 %, 1 day", f"{tail.value_at_risk * gross:,.0f}",
            f"{currency}, {tail.value_at_risk:.2%} of gross", False,
        ),
        (
            "ES 99 %, 1 day", f"{tail.expected_shortfall * gross:,.0f}",
            f"{currency}, {tail.expected_shortfall:.2%} of gross", False,
        ),
        ("Deepest drawdown", f"{figures.fall.maximum:.1%}", f"now {figures.fall.current:.1%} below the peak", False),
        ("Worst stress", f"{worst.pnl:+,.0f}", worst.name, False),
        ("Fullest limit", f"{usage.share_ppm * 100 / PPM:.0f} %", usage.limit_name, level >= Level.ERROR),
    ]


def _render(figures: Figures, sources: Mapping[str, str], footer: str) -> str:
    from jinja2 import Environment, StrictUndefined

    source = Path(__file__).with_name("risk_report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(source)
    returns = figures.history.returns
    context: dict[str, Any] = {
        "title": title(figures), "figures": figures, "holdings": figures.holdings, "days": figures.history.days,
        "symbols": figures.history.symbols, "tiles": _tiles(figures), "footer": footer, "source": sources.__getitem__,
        "confidences": CONFIDENCES, "horizons": HORIZONS, "methods": tuple(METHODS),
        "optimal": tuple(figures.weights)[1:],
        "volatility": dict(zip(figures.history.symbols, returns.std(axis=0, ddof=1).tolist(), strict=True)),
        "percent": lambda fraction: f"{fraction:.2%}",
        "number": lambda fraction: f"{fraction * figures.gross:,.0f}",
        "money": lambda value: f"{value:,.0f} {figures.holdings.currency}",
        "cash": lambda value: f"{value / 10**MONEY_SCALE:,.0f}",
    }
    return template.render(context)
