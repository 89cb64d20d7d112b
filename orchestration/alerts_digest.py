"""The digest: all that one tick found, as one e-mail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra.mail import Message
from orchestration.alerts_found import Alert, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.alerts_found import Table

MOST = 20        # alerts of a kind that are shown; the rest is counted
_SUBJECT, _PAD = 160, 40
_ORDER = {"CRITICAL": 0, "ERROR": 1}
_NAMES = {
    Kind.STORE: ("store out of reach", "stores out of reach"), Kind.RISK: ("risk event", "risk events"),
    Kind.QUALITY: ("dataset not whole", "datasets not whole"), Kind.RUN: ("failed run", "failed runs"),
    Kind.CHECK: ("failed check", "failed checks"), Kind.STALE: ("stale dataset", "stale datasets"),
}


def compose(alerts: Sequence[Alert], ui: str = "") -> Message:
    """One message with every alert, by kind, the gravest first; links are left out where `ui`, their address, is ""."""
    from jinja2 import Environment, StrictUndefined

    ordered = sorted(alerts, key=lambda alert: _ORDER.get(alert.severity, 2))
    sections = [(kind, [alert for alert in ordered if alert.kind is kind]) for kind in Kind]
    sections = [(kind, rows) for kind, rows in sections if rows]
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("alerts_digest.html.j2").read_text(encoding="utf-8")
    )
    subject = _subject(sections)
    html = page.render(subject=subject, sections=sections, ui=ui, time=_time, most=MOST, colours=_COLOURS)
    shown = [alert for _, rows in sections for alert in rows[:MOST]]
    pictures = {alert.picture.name: alert.picture for alert in shown if alert.picture}
    return Message(subject, _text(sections, ui), html, tuple(pictures.values()), _short(sections, ui))


_COLOURS = {
    "CRITICAL": ("#8f0019", "#fde8ea"), "ERROR": ("#a83400", "#fdeee4"), "WARN": ("#7a5600", "#fdf4dc"),
    "WARNING": ("#7a5600", "#fdf4dc"),
}


def _subject(sections: Sequence[tuple[Kind, Sequence[Alert]]]) -> str:
    """What happened first, and of the others what or, where they are many, how many."""
    parts = []
    for at, (kind, rows) in enumerate(sections):
        named = len(rows) == 1 and (at == 0 or len(sections) == 2)
        one, many = _NAMES[kind]
        parts.append((rows[0].brief or rows[0].title) if named else f"{len(rows)} {one if len(rows) == 1 else many}")
    text = " ".join(("Tickhouse: " + "; ".join(parts)).split())
    return text if len(text) <= _SUBJECT else text[: _SUBJECT - 1] + "…"


def _text(sections: Sequence[tuple[Kind, Sequence[Alert]]], ui: str) -> str:
    """The same without HTML: nothing is in the page that is not here, but the pictures."""
    lines: list[str] = []
    for kind, rows in sections:
        lines += [f"{kind.upper()} ({len(rows)})", ""]
        for row in rows[:MOST]:
            lines.append(f"[{row.severity}] {row.title}  {_time(row.when)}".rstrip())
            lines += [f"    {line}" for line in row.detail.splitlines()]
            for table in row.tables:
                lines += ["", *(f"    {line}" for line in _table(table))]
            links = [(link.name, link.path) for link in row.links] or ([("", row.path)] if row.path else [])
            if ui:
                lines += [f"    {name + ': ' if name else ''}{ui}{path}" for name, path in links]
            lines.append("")
        if len(rows) > MOST:
            lines += [f"and {len(rows) - MOST} more", ""]
    return "\n".join(lines)


def _short(sections: Sequence[tuple[Kind, Sequence[Alert]]], ui: str) -> str:
    """A line or two an alert, for chats."""
    shown = [alert for _, rows in sections for alert in rows]
    lines = []
    for alert in shown[:MOST]:
        lines.append(f"[{alert.severity}] {alert.title}")
        lines += [f"    {line[:200]}" for line in alert.detail.splitlines()[:2]]
        lines += [f"    {ui}{alert.path}"] if ui and alert.path else []
    return "\n".join(lines + ([f"and {len(shown) - MOST} more"] if len(shown) > MOST else []))


def _table(table: Table) -> list[str]:
    """Aligned columns, unless they are wide; what a source wrote stands in a line of its own."""
    cut = len(table.header) - 1 if table.verbatim else len(table.header)
    cells = [table.header[:cut], *(row[:cut] for row in table.rows)]
    widths = [min(_PAD, max(len(row[at]) for row in cells)) for at in range(cut)]
    out = [f"{table.title} ({table.total:,})"]
    for number, row in enumerate(cells):
        out.append("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if table.verbatim and number:
            out.append(f"    {table.rows[number - 1][cut]}")
    if table.more:
        out.append(f"and {table.more:,} more")
    return out


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else ""
