"""The benchmark runs and says what it promises; figures belong to no test."""

import pytest

from streaming.bench.hotpath import RATES, measure


@pytest.mark.slow
def test_the_benchmark_has_its_form():
    found = measure(seconds=0.3, fastest=3_000, instruments=3)
    assert found["bench"] == "hotpath"
    assert found["machine"]["cores"] >= 1
    assert len(found["machine"]["load_average"]["before"]) == 3
    assert found["revision"]
    names = [result["name"] for result in found["results"]]
    assert len(names) == len(set(names)) == 4 * len(RATES) + 2
    for result in found["results"]:
        assert result.keys() == {"name", "value", "unit", "goal", "better", "baseline", "ratio"}
        assert result["value"] > 0, result
        assert result["baseline"] > 0, result
        assert result["better"] in {"lower", "higher"}
