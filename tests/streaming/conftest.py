"""A shard in this process, closed at the end."""

import pytest

from tests.streaming.kit import Rig


@pytest.fixture
def make_rig(tmp_path):
    rigs = []

    def make(place: str = "home", **options) -> Rig:
        rigs.append(Rig(tmp_path / place, **options))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig) -> Rig:
    return make_rig().open()
