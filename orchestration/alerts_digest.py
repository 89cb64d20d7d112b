"""The digest: all that one tick found, as one e-mail."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.mail import Message
from orchestration.alerts_found import Alert, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = """<!doctype html><html><head><meta charset="utf-8"></head>
<body style="font:14px/1.45 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:#1d2330;max-width:900px">
{% for kind, rows in sections %}
<h3 style="margin:20px 0 6px">{{ kind|capitalize }} ({{ rows|length }})</h3>
<table style="border-collapse:collapse;width:100%;font-size:13px">
{% for row in rows %}<tr style="border-top:1px solid #dfe3e8">
<td style="padding:6px 10px 6px 0;white-space:nowrap;vertical-align:top">
<b style="color:{{ colours.get(row.severity, "#1d2330") }}">{{ row.severity }}</b></td>
<td style="padding:6px 10px;vertical-align:top"><b>
{%- if ui and row.path %}<a href="{{ ui }}{{ row.path }}">{{ row.title }}</a>{% else %}{{ row.title }}{% endif -%}
</b><br><span style="color:#5b6472;white-space:pre-wrap">{{ row.detail }}</span></td>
<td style="padding:6px 0 6px 10px;white-space:nowrap;vertical-align:top;color:#5b6472">{{ time(row.when) }}</td></tr>
{% endfor %}</table>{% endfor %}</body></html>
"""
_COLOURS = {"CRITICAL": "#b00020", "ERROR": "#b23c00", "WARN": "#8a6100", "WARNING": "#8a6100"}
_ONE = {
    Kind.RUN: "failed run", Kind.CHECK: "failed check", Kind.STALE: "stale dataset", Kind.RISK: "risk event",
    Kind.STORE: "store out of reach",
}


def compose(alerts: Sequence[Alert], ui: str = "") -> Message:
    """One message with every alert, by kind; `ui` is the address of the Dagster UI, links are left out without it."""
    from jinja2 import Environment, StrictUndefined

    sections = [(kind, [alert for alert in alerts if alert.kind is kind]) for kind in Kind]
    sections = [(kind, rows) for kind, rows in sections if rows]
    html = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE).render(
        sections=sections, ui=ui, time=_time, colours=_COLOURS
    )
    return Message(_subject(alerts), _text(sections, ui), html)


def _subject(alerts: Sequence[Alert]) -> str:
    counts = Counter(alert.kind for alert in alerts)
    parts = [
        f"{counts[kind]} {_ONE[kind]}{'s' if counts[kind] > 1 and kind is not Kind.STORE else ''}"
        for kind in Kind if counts[kind]
    ]
    return "Tickhouse: " + ", ".join(parts)


def _text(sections: Sequence[tuple[Kind, Sequence[Alert]]], ui: str) -> str:
    lines: list[str] = []
    for kind, rows in sections:
        lines += [f"{kind.capitalize()} ({len(rows)})", ""]
        for row in rows:
            lines.append(f"[{row.severity}] {row.title}  {_time(row.when)}".rstrip())
            lines += [f"    {line}" for line in row.detail.splitlines()]
            if ui and row.path:
                lines.append(f"    {ui}{row.path}")
            lines.append("")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else ""
