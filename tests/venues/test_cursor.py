"""Parts of a partition: whole or dropped, never mixed, and gone when it is finished."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest

from venues import cursor
from venues.cursor import Parts


def frame(start: int) -> pl.DataFrame:
    return pl.DataFrame({"ts": [start, start + 1], "raw": ["x" * 50, "y"], "side": pl.Series([1, 2], dtype=pl.UInt8)})


def filled(staging: Path, count: int = 3) -> Parts:
    with Parts(staging, "s", "k") as parts:
        for number in range(len(parts), count):
            parts.add(frame(number * 2), {"at": number})
    return parts


def stamps(parts: Parts) -> list[int]:
    return [ts for page in parts.frames() for ts in page["ts"]]


def test_what_was_left_is_there_again_and_types_stay(tmp_path: Path) -> None:
    filled(tmp_path)
    with Parts(tmp_path, "s", "k") as parts:
        assert (len(parts), parts.place, stamps(parts)) == (3, {"at": 2}, [0, 1, 2, 3, 4, 5])
        assert next(parts.frames()).equals(frame(0))
        assert len(Parts(tmp_path, "s", "another")) == 0
        kept = parts.finish()
    assert [cursor.decode(part)["ts"][0] for part in kept] == [0, 2, 4]
    assert len(Parts(tmp_path, "s", "k")) == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "swapped"])
def test_a_broken_part_is_dropped_with_those_after_it(tmp_path: Path, damage: str) -> None:
    filled(tmp_path)
    first, second, third = sorted(tmp_path.rglob("*.parquet"))
    content = second.read_bytes()
    middle = len(content) // 4
    second.write_bytes({
        "cut": content[: middle * 2], "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:],
        "empty": b"", "text": b"<html>", "swapped": third.read_bytes(),
    }[damage])  # fmt: skip
    with Parts(tmp_path, "s", "k") as parts:
        assert (len(parts), parts.place, stamps(parts)) == (1, {"at": 0}, [0, 1])
        assert sorted(tmp_path.rglob("*.parquet")) == [first]
    assert stamps(filled(tmp_path)) == [0, 1, 2, 3, 4, 5]


def test_a_half_written_part_does_not_count(tmp_path: Path) -> None:
    filled(tmp_path)
    (file,) = tmp_path.rglob("000002.parquet")
    file.rename(file.with_suffix(".partial"))
    with Parts(tmp_path, "s", "k") as parts:
        assert len(parts) == 2
    assert not list(tmp_path.rglob("*.partial"))


def test_old_parts_are_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100_000)
    assert len(Parts(tmp_path, "s", "k")) == 0


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    with Parts(tmp_path, "s", "k") as one:
        one.add(frame(0), 1)
        with Parts(tmp_path, "s", "k") as other:
            other.add(frame(8), 2)
            assert (stamps(one), stamps(other)) == ([0, 1], [8, 9])
            other.finish()
        assert stamps(one) == [0, 1]
        one.finish()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_forgotten_partitions_are_swept(tmp_path: Path) -> None:
    filled(tmp_path)
    cursor.sweep(tmp_path, "s")
    (folder,) = (tmp_path / "s").iterdir()
    long_ago = time.time() - 3 * 86_400
    os.utime(folder, (long_ago, long_ago))
    cursor.sweep(tmp_path, "s")
    assert not list((tmp_path / "s").iterdir())


def test_without_a_folder_it_is_kept_in_memory() -> None:
    with Parts(None, "s", "k") as parts:
        parts.add(frame(0), 1)
        parts.add(frame(2), 2)
        assert stamps(parts) == [0, 1, 2, 3]
        assert len(parts.finish()) == 2
