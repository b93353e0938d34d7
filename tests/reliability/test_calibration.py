"""The command `benchmarks/calibration.py` on a few small studies: false verdicts and coverage."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def calibration():
    path = sys.path.copy()
    sys.path.insert(0, str(BENCHMARKS))  # its neighbours, as when it is run
    try:
        spec = importlib.util.spec_from_file_location("calibration", BENCHMARKS / "calibration.py")
        assert spec is not None
        assert spec.loader is not None
        module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = path


@pytest.mark.parametrize("world", ["independent", "heavy tails, unequal noise"])
@pytest.mark.parametrize("study", ["stattag", "given", "compare_groupings"])
def test_few_null_studies_decide_anything(calibration, study, world):
    rate, thirds = calibration.rates(calibration.STUDIES[study], 40, 3, world)
    assert rate <= 0.15  # 6 of 40; at 5 % more are found once in 70
    assert min(thirds) > 0.88


def test_few_null_studies_of_subsets_decide_anything(calibration):
    rate, thirds = calibration.rates(calibration.relevance_study, 25, 3, "independent", 1.0, 5, 20)
    assert rate <= 0.16
    assert min(thirds) > 0.88


def test_the_table_has_a_row_a_world_and_number_of_repeats(calibration):
    lines = calibration.table("paired_interval", 3).splitlines()
    assert sum(line.startswith("| ") for line in lines) >= 12
