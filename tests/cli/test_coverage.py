"""`tickhouse coverage` as a person and as a script meet it."""

import json
from datetime import date
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from assets.coverage_grid import Grid, Mark, Row
from cli import coverage_text
from cli import main as command_line
from store import ingest_log, instruments
from store.ingest_log import IngestEntry, IngestState
from tests.assets.test_coverage import spec

C, M, Q, N = Mark.COMPLETE, Mark.MISSING, Mark.QUARANTINED, Mark.NOT_DUE


def shown(grid, width=100, colour=False, most=10):
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    coverage_text.show(console, [grid], [[(hole, "ohlc") for hole in grid.holes()]], most)
    return out.getvalue()


def grid(*lines, names=()):
    rows = tuple(Row(at, name) for at, name in enumerate(names or [f"COIN{at}" for at in range(len(lines))]))
    return Grid("bars", "binance", date(2026, 8, 30), rows, np.array(lines, np.uint8), ("NEW/USDT",))


def test_letters_where_there_is_no_colour():
    text = shown(grid([C, C, Q, M], [N, C, C, C]))
    assert "COIN0 ..QM\n" in text
    assert "COIN1  ...\n" in text
    assert "71.42 % whole of 7 instrument days: 5 complete, 1 missing, 1 quarantined, 1 not due" in text
    assert "COIN0  quarantined 2026-09-01: ohlc" in text
    assert "never asked for: NEW/USDT" in text
    assert "█" not in text


def test_shapes_and_colours_in_a_terminal():
    text = shown(grid([C, Q]), colour=True)
    assert "█" in text
    assert "\x1b[" in text


@pytest.mark.parametrize("width", [30, 44, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    days = np.full((3, 1826), C, np.uint8)
    days[1, 900] = M
    text = shown(grid(*days, names=["BTC/USDT:USDT", "1000000MOGVERYLONG/USDT:USDT-270101", "X/Y"]), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert sum(line.count("M") for line in text.splitlines() if "…" in line or line.startswith("1000000")) >= 1


def test_months_stand_where_they_begin():
    line = shown(grid([C] * 40)).splitlines()[1]
    assert line.index("Sep 2026") == len("COIN0 ") + 2


def test_a_long_list_of_holes_is_cut_with_a_count():
    holes = grid([Q, C] * 8)
    assert "and 5 more holes" in shown(holes, most=3)
    assert "8 holes; --json lists them" in shown(holes, most=0)


def call(*words):
    command_line._register()
    return CliRunner().invoke(command_line.app, ["coverage", *words])


@pytest.mark.stack
def test_exit_code_and_json(clickhouse):
    empty = call()
    assert empty.exit_code == 1
    assert "nothing is ingested yet" in empty.output
    one, _ = instruments.record(clickhouse, [spec("A/USDT"), spec("B/USDT")])
    ingest_log.record(clickhouse, [
        IngestEntry("bars", "binance", one.id, date(2026, 9, day), state, 1, "", "test")
        for day, state in ((1, IngestState.COMPLETE), (2, IngestState.VERIFIED_EMPTY), (3, IngestState.PARTIAL))
    ])
    assert call("--until", "2026-09-02").exit_code == 0
    found = call("--json", "--dataset", "bars", "--venue", "binance")
    assert found.exit_code == 1
    (only,) = json.loads(found.output)["grids"]
    assert (only["due"], only["whole"], only["never_asked"]) == (3, 2, ["B/USDT"])
    assert only["holes"] == [{"instrument": one.id, "name": "A/USDT", "state": "partial", "first": "2026-09-03",
                              "last": "2026-09-03", "days": 1, "rules": ""}]
    assert call("--since", "2026-09-03", "--until", "2026-09-01").exit_code == 2
