from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

import decisions
from cotrain.allocation import augmentations, rotations, subset_fits
from cotrain.analysis import Observations

N_TASKS, N_REPEATS = 6, 8


@pytest.fixture(scope="module")
def seen() -> Observations:
    """Fits whose scores rise by 0.01 for each other member, but for those of task 0, which harms.

    A fold more of a task adds the same again to tasks of its half, noise aside.
    """
    repeats = rotations(10, 6, 2, N_REPEATS, seed=0)
    subsets = [one for size in (2, 3, 4) for one in combinations(range(N_TASKS), size)]
    fits = subset_fits(N_TASKS, 6, subsets, repeats) + augmentations(N_TASKS, [2], repeats)
    rng = np.random.default_rng(0)
    scores = np.full((len(fits), N_TASKS), np.nan)
    for row, fit in enumerate(fits):
        members = list(fit.members)
        gain = np.full(N_TASKS, 0.01)
        gain[0] = -0.02
        others = gain[members].sum() - gain[members]
        scores[row, members] = 0.7 + others + rng.normal(0, 0.002, len(members))
        if fit.auxiliary is not None:
            kin = np.arange(N_TASKS) // 3 == fit.auxiliary // 3
            scores[row] += 0.02 * kin
    return Observations(tuple(fits), np.ones((len(fits), N_TASKS), dtype=np.int64), scores)


def test_each_design_decides_what_is_there_and_the_other_half_confirms(seen):
    groups = {"half": [[0, 1, 2], [3, 4, 5]]}
    found = {
        key: decisions.judged(judge, seen, N_REPEATS, hours=0.5)
        for key, judge in decisions.designs(6, [2], groups, N_TASKS).items()
    }
    asked, decided, helps, confirmed, hours, rate = found["task", "all, not alone"]
    assert (asked, decided, helps, confirmed, hours, rate) == ("6", 6, 6, "6 of 6", "0.500", "12")
    assert found["half", "all, not alone"][:4] == ["2", 2, 2, "2 of 2"]
    assert found["half", "a fold more"][:4] == ["2", 2, 2, "2 of 2"]
    asked, decided, helps, *_ = found["pair", "subsets"]
    assert asked == "30"
    assert decided - helps == 5  # what task 0 does to the five others


def test_hours_are_of_the_design_and_no_fit_is_trained_twice():
    settings = SimpleNamespace(
        prepare=SimpleNamespace(n_folds=10),
        plan=SimpleNamespace(
            seed=0, train_folds=6, test_folds=2, rotate=True, subset_level=6,
            subsets=SimpleNamespace(n_subsets=7, min_size=2, max_size=20),
            augmentations=SimpleNamespace(levels=[2, 4]),
        ),
    )  # fmt: skip
    fits = decisions.fits_of(settings, N_TASKS, 2)
    sizes = {name: len(some) for name, some in fits.items()}
    assert sizes == {"all, not alone": 14, "subsets": 28, "a fold more": 28}
    assert set(fits["all, not alone"]) <= set(fits["subsets"])
