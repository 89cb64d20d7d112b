"""Servers that are not there: one clear error each."""

from __future__ import annotations

import pytest

from infra.endpoints import EndpointCode, Service, address, remove, write
from infra.errors import TickhouseError
from infra.settings import Settings
from infra.stack.ports import free_port
from store import clickhouse, redis_state
from store.errors import StoreCode


def test_nobody_at_the_address(tmp_path, capfd):
    port = free_port()
    settings = Settings(
        home=tmp_path, clickhouse={"url": f"http://127.0.0.1:{port}"}, redis={"url": f"redis://u:pw@127.0.0.1:{port}/0"}
    )
    with pytest.raises(TickhouseError) as caught:
        clickhouse.connect(settings)
    assert caught.value.code is StoreCode.CLICKHOUSE_UNREACHABLE
    assert "Connection refused" in str(caught.value)
    with pytest.raises(TickhouseError) as caught:
        redis_state.connect(settings)
    assert caught.value.code is StoreCode.REDIS_UNREACHABLE
    assert "pw" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_no_stack_has_written_an_address(tmp_path):
    settings = Settings(home=tmp_path)
    with pytest.raises(TickhouseError) as caught:
        clickhouse.connect(settings)
    assert caught.value.code is EndpointCode.STACK_NOT_RUNNING


def test_addresses_are_those_last_written(tmp_path):
    write(tmp_path, {Service.REDIS: "redis://one"})
    write(tmp_path, {Service.REDIS: "redis://two"})
    assert address(tmp_path, Service.REDIS) == "redis://two"
    with pytest.raises(TickhouseError):
        address(tmp_path, Service.MLFLOW)
    remove(tmp_path)
    remove(tmp_path)
    with pytest.raises(TickhouseError):
        address(tmp_path, Service.REDIS)


def test_keys_do_not_collide():
    names = [
        redis_state.quote_key(1),
        redis_state.position_key("a", 1),
        redis_state.features_key("flow", 1, 1),
        redis_state.pnl_key("a"),
        redis_state.halt_key(),
        redis_state.model_key("flow"),
        redis_state.fills_stream("a"),
        redis_state.orders_stream("a"),
        redis_state.risk_stream(),
        redis_state.control_stream(),
    ]
    assert len(set(names)) == len(names)
    assert all(name.startswith("tickhouse:") for name in names)
