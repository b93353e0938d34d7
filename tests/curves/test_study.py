"""The study's comparisons, and its script on a simulated fit table."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cotrain.curves import TransferModel
from lab.extrapolation import extrapolate

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


curves_truth, curves_study = load("curves_truth"), load("curves_study")
QUICK = {"strengths": (0.5,), "ranks": (0,), "random_state": 0}


@pytest.fixture(scope="module")
def truth():
    return curves_truth.Truth.draw(4, seed=0)


@pytest.fixture(scope="module")
def runs(truth):
    frame = curves_truth.fit_table(truth, 0, n_repeats=3, n_subsets=20, offset=0.005)
    return curves_study.Runs.of(frame)


def test_a_fit_table_becomes_arrays(truth, runs):
    assert runs.tasks == ("t0", "t1", "t2", "t3")
    n_fits = 3 * (3 * (1 + 4 + 4) + 20)
    assert runs.N.shape == runs.Y.shape == (n_fits, 4)
    assert (np.isfinite(runs.Y) == (runs.N > 0)).all()
    known = np.isfinite(runs.Y)
    assert np.abs(runs.Y - truth.scores(runs.N))[known].max() < 0.05
    base, more, levels = runs.grid()
    assert levels == (1, 2, 3)
    assert np.isfinite(base).all()
    assert np.isfinite(more).all()
    row = np.flatnonzero((runs.auxiliary == 2) & (runs.levels == 2) & (runs.repeats == 1))[0]
    assert more[1, 1, 2] == pytest.approx(runs.Y[row])


def test_the_highest_level_is_foretold_within_the_noise(runs):
    result = extrapolate(
        runs.N, runs.Y, runs.levels, runs.auxiliary, runs.repeats, model=TransferModel(**QUICK)
    )
    assert result.scores.shape == (3, 4)
    assert result.errors["transfer model"] < result.errors["last value"]
    assert result.errors["transfer model"] < 2 * result.repeat_noise
    assert result.interval_coverage > 0.8


def test_the_highest_levels_scores_are_never_seen(runs):
    hidden = np.where((runs.levels == 3)[:, None], 0.1, runs.Y)
    arrays = (runs.levels, runs.auxiliary, runs.repeats)
    open_, closed = (
        extrapolate(runs.N, y, *arrays, model=TransferModel(**QUICK)) for y in (runs.Y, hidden)
    )
    for name, predicted in open_.predictions.items():
        assert predicted == pytest.approx(closed.predictions[name], nan_ok=True)


def test_repeat_noise_is_the_error_of_the_other_repeats(runs):
    top = (runs.levels == 3) & (runs.auxiliary < 0) & (runs.N > 0).all(axis=1)
    y = runs.Y[top]
    by_hand = [abs(y[r, i] - np.delete(y[:, i], r).mean()) for r in range(3) for i in range(4)]
    result = extrapolate(
        runs.N, runs.Y, runs.levels, runs.auxiliary, runs.repeats, model=TransferModel(**QUICK)
    )
    assert result.repeat_noise == pytest.approx(np.median(by_hand))


def test_one_level_is_nothing_to_extrapolate(runs):
    one = runs.take(runs.levels == 1)
    with pytest.raises(ValueError, match=r"levels must hold two of fits of all tasks, got \[1\]"):
        extrapolate(one.N, one.Y, one.levels, one.auxiliary, one.repeats)


def test_blocks_of_other_fits_are_refused(runs):
    with pytest.raises(ValueError, match="blocks must have shape"):
        extrapolate(runs.N, runs.Y, runs.levels, runs.auxiliary, runs.repeats[1:])


@pytest.mark.slow
def test_the_study_writes_every_table(truth):
    text = curves_study.study(curves_truth.fit_table(truth, 1, n_subsets=20))
    for title in ("Pairwise effects", "Extrapolation", "Held-out fits", "Cheaper grids"):
        assert f"### {title}" in text
    assert "nan" not in text.split("### Extrapolation")[1]
