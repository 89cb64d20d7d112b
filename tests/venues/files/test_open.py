"""Unpacking: by the first bytes, one table a file, and broken archives named."""

import bz2
import gzip
import io
import lzma
import random
import zipfile

import pytest
from backports import zstd

from infra.errors import TickhouseError
from venues.files.errors import FileCode
from venues.files.open import lines, opened

TABLE = b"".join(b"%d,row\r\n" % number for number in range(20_000))


def zipped(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


PACKED = {
    "plain": TABLE, "zip": zipped(t__csv=TABLE), "gzip": gzip.compress(TABLE),
    "zstd": zstd.compress(TABLE, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": bz2.compress(TABLE), "xz": lzma.compress(TABLE), "zip of gzip": zipped(t__csv__gz=gzip.compress(TABLE)),
    "two gzips": gzip.compress(TABLE[:100]) + gzip.compress(TABLE[100:]), "empty gzip": gzip.compress(b""),
    "empty": b"",
}


def read(path, content, member=""):
    path.write_bytes(content)
    with opened(path, str(path), member) as (name, stream):
        return name, stream.read()


@pytest.mark.parametrize("kind", PACKED)
def test_the_bytes_tell_how_a_file_is_packed_and_not_its_name(tmp_path, kind):
    _, content = read(tmp_path / "whatever.csv", PACKED[kind])
    assert content == (b"" if kind.startswith("empty") else TABLE)


def test_an_archive_names_its_member_and_wants_one(tmp_path):
    two = zipped(a__csv=b"1", b__csv=b"2", __MACOSX=b"")
    assert read(tmp_path / "x.zip", zipped(t__csv=TABLE))[0] == f"{tmp_path}/x.zip!t.csv"
    assert read(tmp_path / "x.zip", two, "b*")[1] == b"2"
    for pattern in ("", "*.csv", "*.parquet"):
        with pytest.raises(TickhouseError) as caught:
            read(tmp_path / "x.zip", two, pattern)
        assert caught.value.code is FileCode.FILE_NOT_DATA
        assert "a.csv, b.csv" in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in PACKED if "plain" not in kind and "empty" not in kind])
def test_a_broken_archive_is_never_read_as_a_whole_one(tmp_path, kind):
    rng, packed, codes = random.Random(kind), PACKED[kind], []
    for _ in range(40):
        damaged = bytearray(packed)
        if rng.random() < 0.5:
            del damaged[rng.randrange(12, len(damaged)):]
        else:
            damaged[rng.randrange(12, len(damaged))] ^= 1 << rng.randrange(8)
        try:
            _, content = read(tmp_path / "x", bytes(damaged))
        except TickhouseError as error:
            codes.append(error.code)
        else:
            assert content in {TABLE, TABLE[:100]}  # a bit that nobody looks at; the first of two files
    assert len(codes) > 20
    assert set(codes) <= {FileCode.FILE_TRUNCATED, FileCode.FILE_NOT_DATA}


def test_a_broken_file_is_named(tmp_path):
    with pytest.raises(TickhouseError) as caught:
        read(tmp_path / "x.csv.gz", PACKED["gzip"][:-20])
    assert caught.value.code is FileCode.FILE_TRUNCATED
    assert caught.value.context["file"] == f"{tmp_path}/x.csv.gz"


def test_a_password_is_said(tmp_path):
    locked = bytearray(zipped(t__csv=TABLE))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + offset] |= 1
    with pytest.raises(TickhouseError) as caught:
        read(tmp_path / "x.zip", bytes(locked))
    assert caught.value.code is FileCode.FILE_NOT_DATA
    assert "password" in str(caught.value)


@pytest.mark.parametrize("kind", ["plain", "zip", "gzip", "zstd"])
def test_the_content_can_be_sought_and_read_in_pieces(tmp_path, kind):
    (tmp_path / "x").write_bytes(PACKED[kind])
    with opened(tmp_path / "x", "x") as (_, stream):
        assert stream.seekable()
        assert stream.read(5) == TABLE[:5]
        assert stream.tell() == 5
        stream.seek(0)
        buffered = io.BufferedReader(stream)
        assert buffered.read() == TABLE


def test_lines_by_number(tmp_path):
    (tmp_path / "x").write_bytes(PACKED["gzip"])
    with opened(tmp_path / "x", "x") as (_, stream):
        assert lines(stream, [3, 1, 3, 20_000, 99_999]) == {1: b"0,row", 3: b"2,row", 20_000: b"19999,row"}
