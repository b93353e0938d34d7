"""Cuts of the semidefinite relaxation against groupings themselves."""

import numpy as np
import pytest

from cotrain.grouping import Constraints, LinearValue, Objective, greedy_groups, semidefinite_bound
from cotrain.grouping import _semidefinite as relaxation
from cotrain.grouping._clock import Clock
from cotrain.grouping._cuts import Cuts, _first_of_equals, make_cuts, renewed
from cotrain.grouping._semidefinite import _limits


def groups(n_tasks: int, n_groups: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (1, x, t) and (1, x, y) of each group of a random grouping with auxiliaries."""
    served = rng.integers(n_groups, size=n_tasks) == np.arange(n_groups)[:, None]
    member = served | (rng.random(served.shape) < 0.4)
    ones = np.ones((n_groups, 1))
    return np.hstack([ones, served, 2.0 * member - 1]), np.hstack([ones, served, member])


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_is_the_sum_over_groups_of_a_product_that_is_never_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_tasks, n_groups = 7, 3
    limits = _limits(n_tasks, n_groups)
    vectors = rng.integers(-2, 3, (60, 2 * n_tasks + 1)).astype(float)
    cuts = make_cuts(vectors, limits)
    cuts.multiplier[:] = rng.random(60)
    for _ in range(20):
        signed, members = groups(n_tasks, n_groups, rng)
        moments = signed.T @ signed
        assert ((limits.lower <= moments) & (moments <= limits.upper)).all()
        integer = vectors @ members.T
        products = (integer * (integer - 1)).sum(axis=1)
        assert (products >= 0).all()
        assert _values(cuts, moments) == pytest.approx(products)
        both = (cuts.slope(len(moments)) * moments).sum() + 2 * cuts.multiplier @ cuts.constant
        assert both == pytest.approx(cuts.multiplier @ products)


def test_new_cuts_are_violated_and_a_grouping_violates_none() -> None:
    rng = np.random.default_rng(0)
    limits = _limits(8, 3)
    none = make_cuts(np.zeros((0, 17)), limits)
    signed, _ = groups(8, 3, rng)
    moments = signed.T @ signed
    assert len(renewed(none, moments, limits, rng).vectors) == 0
    # Tasks 0 and 1 half served together, yet one sees task 2 and the other does not.
    loose = moments.copy()
    loose[1, 2] = loose[2, 1] = 0.5
    loose[1, 11] = loose[11, 1] = 1
    loose[2, 11] = loose[11, 2] = -1
    found = renewed(none, loose, limits, rng)
    assert len(found.vectors) > 0
    assert (_values(found, loose) < 0).all()
    few = make_cuts(found.vectors[:5], limits)
    for _ in range(300):
        projected, few = few.project(loose, limits)
    values = _values(few, projected)
    assert values == pytest.approx(np.maximum(values, 0), abs=1e-6)
    assert values * few.multiplier == pytest.approx(np.zeros(5), abs=1e-6)
    assert few.multiplier.max() > 0


def _values(cuts: Cuts, moments: np.ndarray) -> np.ndarray:
    """Return <A, X> of each cut."""
    ends = zip(cuts.first, cuts.first[1:], strict=False)
    free = [cuts.coef[low:high] @ moments.ravel()[cuts.place[low:high]] for low, high in ends]
    return 2 * (cuts.constant + np.array(free))


def test_cuts_tighten_the_bound_on_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    objective = Objective(LinearValue(np.zeros(14), rng.normal(size=(14, 14))), Constraints(4))
    value = greedy_groups(objective, seed=0, starts=2).value
    tight = semidefinite_bound(objective, Clock(60), steps=240)
    monkeypatch.setattr(relaxation, "CUT_FROM", 1000)
    loose = semidefinite_bound(objective, Clock(60), steps=240)
    assert value < tight
    assert tight - value < 0.8 * (loose - value)


def test_equal_rows_are_kept_once_in_their_order():
    vectors = np.random.default_rng(0).integers(-1, 2, (200, 4)).astype(float)
    seen = [tuple(row) for row in vectors]
    expected = [at for at, row in enumerate(seen) if row not in seen[:at]]
    assert _first_of_equals(vectors).tolist() == expected
