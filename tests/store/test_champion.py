"""The champion: published whole or not at all, and checked before use."""

from __future__ import annotations

import pytest

from infra.errors import TickhouseError
from infra.home import Home
from store import champion
from store.errors import StoreCode
from store.redis_state import model_key


def publish(home, redis=None, version=1, model=b"onnx"):
    inputs = {"feature_group": "flow", "feature_version": 1, "names": ("a", "b")}
    return champion.publish(home, redis, name="flow", version=version, model=model, **inputs)


def test_readers_get_what_was_published(tmp_path):
    home = Home(tmp_path)
    assert champion.load(home, "flow") is None
    first = publish(home)
    assert champion.load(home, "flow") == first
    second = publish(home, version=2, model=b"better")
    assert champion.load(home, "flow") == second
    assert second.path.read_bytes() == b"better"
    assert first.path.read_bytes() == b"onnx", "the old one stays, for a way back"


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"onn"), lambda path: path.unlink()])
def test_a_damaged_model_is_refused(tmp_path, harm):
    home = Home(tmp_path)
    harm(publish(home).path)
    with pytest.raises(TickhouseError) as caught:
        champion.load(home, "flow")
    assert caught.value.code is StoreCode.CHAMPION_BROKEN


def test_a_pointer_that_cannot_be_read_is_refused(tmp_path):
    home = Home(tmp_path)
    publish(home)
    (home.models / "flow" / "champion.json").write_text('{"name": "flow"')
    with pytest.raises(TickhouseError):
        champion.load(home, "flow")


def test_the_home_folder_may_move(tmp_path):
    publish(Home(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    assert champion.load(Home(tmp_path / "new"), "flow").path.read_bytes() == b"onnx"


@pytest.mark.stack
def test_redis_gets_a_copy(tmp_path, redis):
    made = publish(Home(tmp_path), redis)
    assert redis.hgetall(model_key("flow"))["sha256"] == made.sha256
