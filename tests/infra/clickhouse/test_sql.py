"""Routing of statements, without an engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.clickhouse.compression import ENCODINGS, compressed, decompress
from infra.clickhouse.faults import QueryError
from infra.clickhouse.sql import first_keyword, named_format, quote, refuse_forbidden, split_insert


@pytest.mark.parametrize(
    ("sql", "fmt", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2", "CSV", b"1,2"),
        (b"INSERT INTO t (a, b) FORMAT CSV 1,2", "CSV", b"1,2"),
        (b"insert into `format` (`values`) values (1)", "Values", b" (1)"),
        (b"-- note\nINSERT /* FORMAT X */ INTO t FORMAT Native\n\n\x00", "Native", b"\n\x00"),
        (b"INSERT INTO t FORMAT JSONEachRow", "JSONEachRow", b""),
    ],
)
def test_inline_data_begin_after_the_format(sql, fmt, data):
    insert = split_insert(sql)
    assert (insert.format, sql[insert.data_start :]) == (fmt, data)


@pytest.mark.parametrize(
    "sql", [b"", b"SELECT 1", b"INSERT INTO t SELECT 1 FORMAT CSV", b"INSERT INTO t WITH 1 AS x SELECT x"]
)
def test_other_statements_carry_no_data(sql):
    assert split_insert(sql) is None


def test_keywords_and_formats():
    assert first_keyword(b" /* SELECT */ -- x\n show tables") == "SHOW"
    assert first_keyword(b"") == ""
    assert named_format(b"SELECT 'FORMAT CSV'") is None
    assert named_format(b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1;") == "JSON"


@pytest.mark.parametrize("sql", [b"SELECT 1 INTO OUTFILE 'x'", b"CREATE TABLE t (x Int8) ENGINE=Kafka()"])
def test_dangerous_statements_are_refused(sql):
    with pytest.raises(QueryError):
        refuse_forbidden(sql)


@pytest.mark.parametrize("sql", [b"SELECT 'INTO OUTFILE'", b"SELECT 'ENGINE = Kafka'"])
def test_the_same_words_in_a_string_are_fine(sql):
    refuse_forbidden(sql)


def test_quote():
    assert quote("it's \\") == "'it\\'s \\\\'"


def test_an_error_knows_its_code_and_status():
    error = QueryError("chdb says: Code: 60. DB::Exception: no table")
    assert (error.code, error.status, str(error)) == (60, 404, "Code: 60. DB::Exception: no table")
    assert error.text("26.9") == "Code: 60. DB::Exception: no table (version 26.9)"


@given(st.lists(st.binary(max_size=300), max_size=5), st.sampled_from(ENCODINGS))
def test_compression_round_trip(chunks, encoding):
    assert decompress(b"".join(compressed(iter(chunks), encoding)), encoding) == b"".join(chunks)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_broken_body_is_an_error_never_half_an_insert(encoding):
    whole = b"".join(compressed(iter([b"0123456789" * 1000]), encoding))
    with pytest.raises(QueryError):
        decompress(whole[: len(whole) // 2], encoding)
