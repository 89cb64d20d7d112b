"""Downloads from a real server: whole or not at all, tried again where that helps, absence no error."""

import gc
import hashlib
import resource
import subprocess
import sys
import textwrap
import time
from email.utils import formatdate

import pytest

from infra.errors import TickhouseError
from tests.support import PROJECT
from tests.venues.files.conftest import Answer
from venues.files.download import Downloads
from venues.files.errors import FileCode
from venues.request import Patience

BODY = bytes(range(256)) * 4_000


@pytest.fixture
def downloads(tmp_path):
    made = Downloads(lambda: tmp_path / "staging", {}, Patience(attempts=3, first_wait_s=0.01, longest_wait_s=0.05))
    yield made
    made.close()
    assert not list((tmp_path / "staging").glob("*")), "nothing is left behind"


def code_of(call, *arguments):
    with pytest.raises(TickhouseError) as caught:
        call(*arguments)
    return caught.value.code


def test_a_file_is_fetched_once_and_kept(downloads, publisher):
    url = publisher.put("a.zip", BODY)
    assert downloads.get(url).read_bytes() == BODY
    assert downloads.get(url).read_bytes() == BODY
    assert publisher.gets("a.zip") == 1
    downloads.forget(url)
    assert downloads.get(url, hashlib.sha256(BODY).hexdigest()).read_bytes() == BODY
    assert publisher.gets("a.zip") == 2


def test_absence_is_no_error_and_is_asked_once(downloads, publisher):
    assert downloads.get(f"{publisher.url}/none.zip") is None
    assert downloads.tag(f"{publisher.url}/none.zip") is None
    assert publisher.gets("none.zip") <= 2


@pytest.mark.parametrize("first", [
    [Answer(503)], [Answer(500), Answer(502)], [Answer(429, headers={"Retry-After": "1"})],
    [Answer(418), Answer(503, headers={"Retry-After": "soon"})],
    [Answer(200, BODY[:900_000], cut=len(BODY) - 900_000)],
])
def test_what_may_pass_is_tried_again(downloads, publisher, first):
    url = publisher.put("a.zip", BODY)
    publisher.first("a.zip", *first)
    assert downloads.get(url).read_bytes() == BODY
    assert publisher.gets("a.zip") == len(first) + 1


def test_patience_ends(downloads, publisher, tmp_path):
    url = publisher.put("a.zip", BODY)
    publisher.first("a.zip", *[Answer(200, BODY[:10], cut=1_000)] * 3)
    assert code_of(downloads.get, url) is FileCode.FILE_UNREACHABLE
    assert not list((tmp_path / "staging").glob("*"))
    assert downloads.get(url).read_bytes() == BODY  # a second run completes it


def test_a_refusal_is_final(downloads, publisher):
    publisher.first("a.zip", Answer(403, b"AccessDenied"))
    assert code_of(downloads.get, publisher.put("a.zip", BODY)) is FileCode.FILE_REFUSED
    assert publisher.gets("a.zip") == 1


def test_a_server_that_is_not_there(downloads):
    assert code_of(downloads.get, "http://127.0.0.1:9/a.zip") is FileCode.FILE_UNREACHABLE
    assert code_of(downloads.tag, "http://127.0.0.1:9/a.zip") is FileCode.FILE_UNREACHABLE


def test_an_error_while_asking_for_facts_is_not_taken_for_absence(downloads, publisher):
    # Every HEAD and GET fails with 503: fsspec says "file not found".
    publisher.first("a.zip", *[Answer(503)] * 9)
    assert code_of(downloads.tag, f"{publisher.url}/a.zip") is FileCode.FILE_UNREACHABLE


def test_a_silent_place_is_not_asked_about_each_file(downloads, publisher, monkeypatch):
    publisher.first("a.zip", *[Answer(503)] * 9)
    assert code_of(downloads.tag, f"{publisher.url}/a.zip") is FileCode.FILE_UNREACHABLE
    publisher.put("b.zip", BODY)
    assert code_of(downloads.tag, f"{publisher.url}/b.zip") is FileCode.FILE_UNREACHABLE
    assert not [path for _, path in publisher.asked if path == "/b.zip"]
    assert downloads.get(f"{publisher.url}/b.zip").read_bytes() == BODY  # a download is always tried
    monkeypatch.setattr("venues.files.download._SILENCE_S", 0.0)
    assert downloads.tag(f"{publisher.url}/b.zip")


def test_wrong_bytes_are_removed(downloads, publisher, tmp_path):
    url = publisher.put("a.zip", BODY)
    assert code_of(downloads.get, url, "0" * 64) is FileCode.FILE_CHECKSUM_WRONG
    assert not list((tmp_path / "staging").glob("*"))


def test_the_tag_changes_with_the_file(downloads, publisher, tmp_path):
    url = publisher.put("a.zip", BODY)
    one = downloads.tag(url)
    publisher.put("a.zip", BODY + b"!")
    assert one != downloads.tag(url)
    assert publisher.gets("a.zip") == 0
    local = tmp_path / "a.csv"
    assert downloads.tag(str(local)) is None
    local.write_bytes(b"1")
    assert downloads.tag(str(local)) == downloads.tag(f"file://{local}") == hashlib.sha256(b"1").hexdigest()


def test_a_local_file_is_used_where_it_is(downloads, tmp_path):
    local = tmp_path / "a.csv"
    assert downloads.get(str(local)) is None
    local.write_bytes(b"1")
    assert downloads.get(str(local)) == local
    assert code_of(downloads.get, str(local), "0" * 64) is FileCode.FILE_CHECKSUM_WRONG
    downloads.close()
    assert local.exists()


def test_another_kind_of_storage(downloads):
    import fsspec

    fsspec.filesystem("memory").pipe("/bucket/a.zip", BODY)
    assert downloads.get("memory://bucket/a.zip").read_bytes() == BODY
    assert downloads.get("memory://bucket/b.zip") is None
    assert code_of(downloads.get, "carrierpigeon://x/a.zip") is FileCode.FILE_STORAGE_UNKNOWN


def test_the_server_says_when_to_come_back(publisher, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    patience = Patience(attempts=5, first_wait_s=0.0, longest_wait_s=50.0)
    url = publisher.put("a.zip", BODY)
    later = formatdate(time.time() + 40, usegmt=True)
    said = ("7", later, "Wed, 21 Oct 2015 07:28:00 GMT", "600")
    publisher.first("a.zip", *(Answer(429, headers={"Retry-After": one}) for one in said))
    assert Downloads(lambda: tmp_path, {}, patience).get(url).read_bytes() == BODY
    assert [round(wait, -1) for wait in waits] == [10, 40, 0, 50]  # no longer than our patience


def test_two_backfills_at_once_do_not_take_each_others_file(publisher, tmp_path):
    one, two = (Downloads(lambda: tmp_path, {}, Patience(2, 0.01, 0.02)) for _ in range(2))
    url = publisher.put("a.zip", BODY)
    mine, theirs = one.get(url), two.get(url)
    assert mine != theirs
    one.close()
    assert theirs.read_bytes() == BODY
    two.close()
    assert not list(tmp_path.iterdir())


def test_what_nobody_holds_any_more_is_removed(publisher, tmp_path):
    downloads = Downloads(lambda: tmp_path, {}, Patience(2, 0.01, 0.02))
    assert downloads.get(publisher.put("a.zip", BODY)).exists()
    del downloads
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_only_so_much_is_kept(downloads, publisher, monkeypatch, tmp_path):
    monkeypatch.setattr("venues.files.download._KEPT_BYTES", 2 * len(BODY))
    for name in "abcd":
        downloads.get(publisher.put(name, BODY))
    assert len(list((tmp_path / "staging").glob("*"))) == 2


def test_a_full_disk_is_named_and_leaves_nothing_half_written(publisher, tmp_path):
    # The limit on a file's size stands for the end of the disk: writing fails half-way.
    code = f"""
        import resource
        from pathlib import Path
        from venues.files.download import Downloads
        from venues.request import Patience
        from infra.errors import TickhouseError
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))
        downloads = Downloads(lambda: Path({str(tmp_path)!r}), {{}}, Patience(3, 0.01, 0.05))
        try:
            downloads.get({publisher.put("a.zip", BODY)!r})
        except TickhouseError as error:
            print(error.code.name, list(Path({str(tmp_path)!r}).iterdir()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "FILE_DISK_FULL []", done.stderr
    assert publisher.gets("a.zip") == 1
