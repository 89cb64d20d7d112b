"""Findings as Dagster shows them, with the failing rows by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quality.rule import Severity

if TYPE_CHECKING:
    import dagster as dg

    from quality.gate import Finding

MOST = 100  # lines of a table: the rest is in `quality_results`


def check_result(findings: Sequence[Finding], name: str, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """Failed with ERROR if a day is quarantined, WARN if one is only partial."""
    import dagster as dg

    broken = [f for f in findings if not f.passed]
    failed = [f for f in broken if f.severity >= Severity.WARNING]
    grave = any(f.severity is Severity.ERROR for f in failed)
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN if failed and not grave else dg.AssetCheckSeverity.ERROR,
        metadata={
            "expectations": len({f.rule for f in findings}),
            "days": len({(f.instrument, f.day) for f in findings}),
            "failures": _table(
                ("rule", "severity", "instrument", "day", "failing_rows", "observed", "expected"),
                [(f.rule, f.severity.name.lower(), f.instrument, f.day.isoformat(), f.failing_rows, f.observed,
                  f.expected) for f in sorted(broken, key=lambda f: -f.severity)],
            ),
            "failing_rows": _table(
                ("rule", "instrument", "day", "row"),
                [(f.rule, f.instrument, f.day.isoformat(), row) for f in failed for row in f.rows],
            ),
        },
    )


def _table(names: Sequence[str], rows: Sequence[tuple[str | int, ...]]) -> dg.TableMetadataValue:
    import dagster as dg

    kinds = ["int" if name in {"instrument", "failing_rows"} else "string" for name in names]
    return dg.TableMetadataValue(
        [dg.TableRecord(dict(zip(names, row, strict=True))) for row in rows[:MOST]],
        dg.TableSchema([dg.TableColumn(name, kind) for name, kind in zip(names, kinds, strict=True)]),
    )
