"""What a side process said before it ended is in the error: it often is a code with what to do."""

import pytest

from infra.errors import TickhouseError
from infra.home import Home
from streaming.errors import StreamCode
from streaming.processes import Side, Supervisor


def test_a_side_process_that_does_not_come_up_is_quoted(tmp_path):
    home = Home(tmp_path)
    side = Side("gateway", "timeit", home.run / "gateway.sock", arguments=("-s", "raise ValueError('why')"))
    with pytest.raises(TickhouseError) as caught:
        Supervisor(home, (side,), patience_s=30.0).start()
    assert caught.value.code is StreamCode.PROCESS_FAILED
    assert caught.value.context["problem"] == "ValueError: why"
