"""Delimited text: every row with its line, and what is no table is refused with its reason."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import TickhouseError
from tests.venues.files.reading import life
from venues.files import table
from venues.files.errors import FileCode
from venues.files.format import Opened
from venues.files.table import Header, Layout

ABC = ("a", "b", "c")


class Drip(io.BytesIO):
    """Gives a few bytes at a time, as a slow unpacker may."""

    def read(self, size=-1):
        return super().read(min(size, 7) if size >= 0 else 7)


def opened(content, kind=io.BytesIO):
    return Opened("f.csv", kind(content), life())


def rows(content, header=Header.OPTIONAL, columns=(ABC,), kind=io.BytesIO, **more):
    frames = table.rows(opened(content, kind), Layout(columns, header, **more))
    return [row for frame in frames for row in frame.rows()]


def refused(content, **more):
    with pytest.raises(TickhouseError) as caught:
        rows(content, **more)
    return caught.value


def test_rows_come_with_their_physical_line():
    wanted = [("1", "2", "3", 2), ("4", "", "6", 3)]
    assert rows(b"a,b,c\n1,2,3\n4,,6\n") == wanted
    assert rows(b"\xef\xbb\xbfA,B,C\r\n1,2,3\r\n4,,6") == wanted
    assert rows(b'"a","b","c"\n"1","2",3\n4,,"6"\n') == wanted
    assert rows(b"1,2,3\n4,,6\n", header=Header.NONE) == [(*row[:3], row[3] - 1) for row in wanted]
    assert rows(b"a;b;c\n1;2;3\n4;;6\n", separator=";") == wanted
    assert rows(b"banner, of any kind\na,b,c\n1,2,3\n", banner=1) == [("1", "2", "3", 3)]
    assert rows(b"a,b,c\n") == []
    assert rows(b"x,y\n1,2\n", columns=(), header=Header.REQUIRED) == [("1", "2", 2)]
    assert rows(b"", may_be_empty=True) == []


def test_blank_lines_and_repeated_headers_are_left_out_and_still_count():
    assert rows(b"\n1,2,3\n\n4,5,6\n\n\n") == [("1", "2", "3", 2), ("4", "5", "6", 4)]
    assert rows(b"A,b,c\n1,2,3\na,b,c\nA,b,c\n4,5,6\n") == [("1", "2", "3", 2), ("4", "5", "6", 5)]
    assert rows(b"a,b,c\n1,2,3\na,b,c\n4,5,6\n", whole=frozenset({"a"}))[1][:2] == ("4", "5")
    assert rows(b"a,b,c\n1,2,3\na,5,6\n") == [("1", "2", "3", 2), ("a", "5", "6", 3)]  # a row, if an odd one


def test_empty_cells_at_the_end_of_a_row_are_cells():
    assert rows(b"1,2,\n3,4,5\n,,\n") == [("1", "2", "", 1), ("3", "4", "5", 2), ("", "", "", 3)]
    assert rows(b'1,"2,2",\n3,4,5\n') == [("1", "2,2", "", 1), ("3", "4", "5", 2)]


@pytest.mark.parametrize(("content", "line", "problem"), [
    (b"1,2,3\n4,5\n6,7,8\n", 2, "2 cells instead of 3"),
    (b"1,2,3\n4,5,6,7\n", 2, "4 cells instead of 3"),
    (b"1,2,3\n4,5\n6,7,8,9\n", 2, "2 cells instead of 3"),      # as many separators as there should be
    (b"1,2,\n4,5\n6,7,8,9\n", 2, "2 cells instead of 3"),
    (b'1,2,3\n4,"5,6\n7,8,9\n', 2, "unexpected end of data"),
    (b'1,2,3\n4,"5\n6",7\n', 2, "unexpected end of data"),
    (b'1,2,3\n4,"5"x,7\n', 2, "',' expected after '\"'"),
    (b"1,2,3\n\xff\xfe,5,6\n", 2, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
])
def test_a_row_that_is_none_is_named(content, line, problem):
    error = refused(content)
    assert (error.code, error.context["line"], error.context["problem"]) == (FileCode.FILE_ROW_BAD, line, problem)


@pytest.mark.parametrize(("content", "problem"), [
    (b"", "the file is empty"), (b" \n\n", "the file is empty"),
    (b"<!DOCTYPE html><html><body>Not Found</body></html>", "a web page or XML"),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page or XML"),
    (b'{"retCode":10001,"retMsg":"error"}', "JSON"), (b"PAR1\x00\x00\x15\x04", "binary, or text that is not UTF-8"),
    ("a,b\n1,2\n".encode("utf-16"), "binary, or text that is not UTF-8"), (b"hello world\n", "not a table"),
])
def test_what_is_no_table_is_shown(content, problem):
    error = refused(content)
    assert error.code is FileCode.FILE_NOT_DATA
    assert error.context["problem"] == problem
    assert str(error.context["excerpt"]).lstrip("\\ ")[:3] in content.decode(errors="backslashreplace").strip() + "\\"


def test_a_changed_header_is_shown_with_both_lists():
    error = refused(b"a,c,b\n1,2,3\n")
    assert error.code is FileCode.FILE_HEADER_CHANGED
    assert (error.context["found"], error.context["known"]) == ("a,c,b", "a,b,c")
    assert refused(b"a,b,c,d\n1,2,3,4\n").context["found"] == "a,b,c,d"
    assert refused(b"1,2,3\n", header=Header.REQUIRED).code is FileCode.FILE_HEADER_CHANGED
    assert refused(b"1,2\n3,4\n").context["problem"] == "2 columns"
    assert refused(b"x,x\n1,2\n", columns=(), header=Header.REQUIRED).context["problem"] == "a name stands twice"
    assert rows(b"c,a,b\n1,2,3\n", columns=(ABC, ("c", "a", "b"))) == [("1", "2", "3", 2)]


def test_wanted_columns_only_and_whole_numbers_where_all_of_them_are():
    layout = Layout((ABC,), Header.NONE, wanted=frozenset("ab"), whole=frozenset("a"))
    frame, = table.rows(opened(b"1,2,3\n4,5,6\n"), layout)
    assert frame.rows() == [(1, "2", 1), (4, "5", 2)]
    frame, = table.rows(opened(b"1,2,3\n4.0,5,6\n"), layout)
    assert frame.rows() == [("1", "2", 1), ("4.0", "5", 2)]


def test_a_line_that_never_ends_is_no_table():
    assert refused(b"1" * (3 << 20)).context["problem"] in {"no line ends", "not a table"}


CELL = st.text(st.characters(codec="utf-8", exclude_characters='\x00\r\n",'), max_size=6)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=20), st.integers(2, 40))
def test_batches_of_any_size_give_the_same_rows(monkeypatch_block, cells, block):
    content = b"a,b,c\n" + b"".join(",".join(row).encode() + b"\n" for row in cells)
    monkeypatch_block(1 << 20)
    wanted = [(*row, line) for line, row in enumerate(cells, 2) if row != ABC]
    assert rows(content) == wanted
    monkeypatch_block(block)
    assert rows(content) == wanted
    assert rows(content, kind=Drip) == wanted


@pytest.fixture(scope="module")
def monkeypatch_block():
    patch = pytest.MonkeyPatch()
    yield lambda size: patch.setattr(table, "_BLOCK", size)
    patch.undo()
