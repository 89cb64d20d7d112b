"""The grid alone: days, counts, holes, columns; and its picture."""

import io
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from assets import coverage_picture
from assets.coverage_grid import Grid, Mark, Row, columns, worst

FIRST = date(2026, 9, 1)
C, E, P, M, Q, N = Mark.COMPLETE, Mark.VERIFIED_EMPTY, Mark.PARTIAL, Mark.MISSING, Mark.QUARANTINED, Mark.NOT_DUE


def grid(*lines, first=FIRST):
    rows = tuple(Row(number, f"COIN{number}/USDT") for number in range(1, len(lines) + 1))
    return Grid("bars", "binance", first, rows, np.array(lines, np.uint8))


def test_counts_and_shares_leave_out_what_is_not_due():
    made = grid([N, C, E, C], [P, M, Q, C])
    assert (made.due, made.whole, made.percent, made.last) == (7, 4, "57.14 %", date(2026, 9, 4))
    assert made.counts() == {N: 1, E: 1, C: 3, P: 1, M: 1, Q: 1}


def test_what_is_not_whole_never_reads_as_all():
    line = [C] * 30_000
    assert grid(line).percent == "100.00 %"
    line[7] = M
    assert grid(line).percent == "99.99 %"
    assert grid([N, N]).percent == "100.00 %"


def test_holes_are_runs_of_one_state():
    holes = grid([C, M, M, Q, C], [P, C, C, C, M]).holes()
    assert [(h.row.instrument, h.mark, h.first.day, h.last.day, h.days) for h in holes] == [
        (2, P, 1, 1, 1), (1, M, 2, 3, 2), (1, Q, 4, 4, 1), (2, M, 5, 5, 1)
    ]


@given(st.lists(st.sampled_from(list(Mark)), min_size=1, max_size=60))
def test_holes_are_what_is_due_and_not_whole(line):
    made = grid(line)
    assert sum(hole.days for hole in made.holes()) == made.due - made.whole


def test_a_part_keeps_days_and_instruments():
    part = grid([C, M, Q], [C, C, P]).part(date(2026, 9, 2), date(2026, 12, 1), [2])
    assert (part.first, part.last, [row.instrument for row in part.rows]) == (date(2026, 9, 2), date(2026, 9, 3), [2])
    assert part.marks.tolist() == [[C, P]]


def test_the_first_day_told_of_is_no_missing_one():
    assert grid([M, N, C, M], [N, M, M, Q]).first_told == date(2026, 9, 3)
    assert grid([M, N]).first_told == date(2026, 9, 2)


@pytest.mark.parametrize(
    ("days", "most", "unit"),
    [(60, 60, "day"), (60, 59, "week"), (1826, 70, "month"), (1826, 30, "quarter"), (1826, 9, "year"),
     (20_000, 5, "year")],
)
def test_days_are_put_together_until_they_fit(days, most, unit):
    assert columns(FIRST, days, most).unit == unit


@given(st.integers(1, 3000), st.integers(1, 300))
def test_columns_begin_at_the_first_day_and_cover_all(days, most):
    made = columns(FIRST, days, most)
    assert made.starts[0] == 0
    assert sorted(set(made.starts)) == list(made.starts)
    assert made.starts[-1] < days
    assert len(made.starts) <= most or made.unit == "year"


def test_weeks_begin_on_monday():
    made = columns(date(2026, 9, 2), 20, 19)  # a Wednesday
    assert [(date(2026, 9, 2) + timedelta(at)).strftime("%a") for at in made.starts] == ["Wed", "Mon", "Mon", "Mon"]


@given(st.lists(st.sampled_from(list(Mark)), min_size=1, max_size=400), st.integers(1, 40))
def test_no_bad_day_hides_in_a_column(line, most):
    made = grid(line)
    marks = worst(made.marks, columns(FIRST, len(line), most).starts)
    assert max(line) == marks.max()
    assert any(mark.is_hole for mark in line) == bool((marks >= Mark.PARTIAL).any())


def picture(made, **options):
    image = Image.open(io.BytesIO(coverage_picture.draw(made, **options))).convert("RGB")
    return image, {image.getpixel((x, y)) for x in range(0, image.width, 2) for y in range(image.height - 60)}


def rgb(mark):
    return tuple(int(coverage_picture.COLOURS[mark][at : at + 2], 16) for at in (1, 3, 5))


@pytest.mark.parametrize(("rows", "days"), [(1, 1), (5, 60), (50, 1826), (130, 400)])
def test_the_picture_shows_one_bad_day_among_many(rows, days):
    lines = np.full((rows, days), C, np.uint8)
    lines[-1, days // 2] = Q
    image, seen = picture(grid(*lines))
    assert image.width == 1200
    assert rgb(Q) in seen
    assert rgb(M) not in seen
    assert image.height < 2500


def test_a_narrow_picture_of_nothing_is_drawn():
    image, _ = picture(grid([N, N, N]), width=6.0, title="nothing")
    assert image.width == 600
