"""The worlds of `benchmarks/calibration.py`, a few small studies each: false verdicts, coverage."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def calibration() -> Iterator[ModuleType]:
    path = sys.path.copy()
    sys.path.insert(0, str(BENCHMARKS))  # its neighbours, as when it is run
    try:
        yield import_module("calibration")
    finally:
        sys.path[:] = path


@pytest.mark.parametrize("world", ["independent", "heavy tails, unequal noise"])
@pytest.mark.parametrize("study", ["stattag", "given", "compare_groupings"])
def test_few_null_studies_decide_anything(calibration, study, world):
    drawn = calibration.World(world, 3)
    found = [calibration.STUDIES[study](np.random.default_rng(seed), drawn) for seed in range(40)]
    assert sum(judged.sign.any() for judged in found) <= 6  # at 5 % more are found once in 70
    assert min(calibration.thirds_held(found)) > 0.88


def test_few_null_studies_of_subsets_decide_anything(calibration):
    world = calibration.World("independent", 3, own=1.0)
    study = calibration.STUDIES["relevance"]
    found = [study(np.random.default_rng(seed), world, 5, 20) for seed in range(25)]
    assert sum(judged.sign.any() for judged in found) <= 4
    assert min(calibration.thirds_held(found)) > 0.88


def test_no_exchange_rate_is_decided_where_there_is_none(calibration):
    found = calibration.STUDIES["exchange_rates"]
    studies = [
        found(np.random.default_rng(seed), calibration.World("heavy tails", 3)) for seed in (0, 1)
    ]
    assert not any(judged.sign.any() for judged in studies)


@pytest.mark.parametrize("seed", [47, 99, 228])  # where all tasks once had a gain that is none
def test_tasks_that_look_alike_do_not_make_each_others_gains_sure(calibration, seed):
    judged = calibration.STUDIES["next_labels"](
        np.random.default_rng(seed), calibration.World("independent", 8)
    )
    assert judged.held.any()


def test_a_label_of_ones_own_is_worth_one(calibration, monkeypatch):
    seen = []

    def tables(rng, world, rates, matter):
        seen.append(rates)
        raise KeyError

    monkeypatch.setattr(import_module("calibration_worlds"), "_label_tables", tables)
    with pytest.raises(KeyError):
        calibration.STUDIES["exchange_rates"](
            np.random.default_rng(0), calibration.World("independent", 3, 0.0, 0.5)
        )
    assert seen[0].any()
    assert not np.diag(seen[0]).any()


def test_the_page_opens_with_what_misses_its_aim(calibration):
    within = dict.fromkeys(calibration.FIGURES, 0.95) | {"false_discoveries": 0.06}
    keys = {"world": "heavy tails", "own": 0.5, "repeats": 4, "studies": 200}
    rows = pd.DataFrame([
        {"table": "given", **keys, **within},
        {"table": "stattag", **keys, **within, "false_discoveries": 0.065},
        {"table": "relevance", **keys, **within, "quiet": 0.999, "loud_effects": 0.92},
    ])  # fmt: skip
    counted, decided, covered = calibration.opening(rows)
    assert counted.startswith("3 of 120")
    assert (
        "above 0.06: statTAG, pairs, heavy tails, 4 repeats, 200 studies (0.065). 0 are" in decided
    )
    assert covered.startswith("1 have")
    assert covered.endswith(
        "relevance of subsets, heavy tails, own effects 0.5, 4 repeats, 200 studies (0.920)."
    )
    rows.loc[1, "false_discoveries"] = 0.12
    assert ". 1 are beyond" in calibration.opening(rows)[1]


def test_rows_of_a_figure_count_as_their_studies(calibration):
    rows = pd.DataFrame([dict.fromkeys(calibration.FIGURES, 0.2) | {"studies": 300}] * 2)
    rows.loc[1, ["false_discoveries", "studies"]] = 0.6, 100
    assert calibration._together("stattag", rows)[1:4] == [400, "0.300", "0.200"]


def test_rows_that_are_done_are_kept(calibration, tmp_path, monkeypatch):
    path = tmp_path / "calibration.csv"
    calibration.run(["paired_interval"], 3, path)
    done = pd.read_csv(path)
    assert len(done) == 12
    assert "paired_interval, one comparison" in calibration.page(done)
    monkeypatch.setattr(calibration, "row", None)  # would be called
    calibration.run(["paired_interval"], 3, path)


def test_the_page_is_that_of_its_rows(calibration):
    rows = pd.read_csv(calibration.RESULTS / "calibration.csv")
    page = (calibration.RESULTS / "calibration.md").read_text(encoding="utf-8")
    assert page == calibration.page(rows)
