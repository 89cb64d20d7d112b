from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.errors import ExecutionCode
from execution.link import Unframer, frame
from infra.errors import TickhouseError


@given(st.lists(st.binary(max_size=50), max_size=10), st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_messages_come_out_whole_however_the_bytes_are_cut(messages: list[bytes], sizes: list[int]) -> None:
    data = b"".join(frame(message) for message in messages)
    unframer, found, at, turn = Unframer(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += unframer.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert found == messages


def test_an_impossible_length_is_refused() -> None:
    with pytest.raises(TickhouseError) as caught:
        Unframer().feed(b"\xff\xff\xff\xff")
    assert caught.value.code is ExecutionCode.GATEWAY_BAD_MESSAGE
