"""Intervals around a blended portfolio: as wide as residuals say, and no wider than known."""

import numpy as np
import pytest

from cotrain.comparison import COVERAGES, Candidate, Model, Outputs, interval_table

MODEL = Model("network", (0, 1, 2))
PORTFOLIO = Candidate("one", (MODEL,))
TASKS = ("narrow", "binary", "wide")


def outputs(seed: int, n: int, first: int = 0) -> Outputs:
    """A model that is off by a normal residual, of standard deviation 1 and 5."""
    rng = np.random.default_rng(seed)
    task = rng.integers(0, 3, n)
    says = rng.normal(size=n) * 3
    truth = says + rng.normal(size=n) * np.array([1.0, 0, 5])[task]
    return Outputs(
        task=task,
        example=first + np.arange(n),
        fold=np.zeros(n, dtype=int),
        truth=np.where(task == 1, truth > 0, truth).astype(float),
        base=np.zeros(n),
        scale=np.array([3.0, 1.0, 6.0])[task],
        is_binary=np.array([False, True, False]),
        by_model={MODEL: says},
    )


def test_new_labels_lie_inside_as_often_as_asked():
    pairs = [(outputs(seed, 6000), outputs(seed + 10, 6000, 6000)) for seed in range(2)]
    found = interval_table(PORTFOLIO, pairs, TASKS, 0)
    assert found["task"].tolist() == ["narrow"] * 3 + ["wide"] * 3
    np.testing.assert_allclose(found["test_coverage"], [*COVERAGES, *COVERAGES], atol=0.02)
    width = found[found["coverage"] == 0.9].set_index("task")["half_width"]
    np.testing.assert_allclose(width, [1.645, 5 * 1.645], rtol=0.06)


def test_repeats_of_the_same_examples_are_no_more_examples():
    one = (outputs(0, 30), outputs(1, 30, 30))
    found = interval_table(PORTFOLIO, [one, one, one], TASKS, 0)
    counts = [int((one[0].task == task).sum()) for task in (0, 2)]
    assert found["n_examples"].tolist() == [counts[0]] * 3 + [counts[1]] * 3
    # 19 are the fewest of which one lies beyond a 95 % interval.
    assert max(counts) < 19
    assert (
        found.loc[found["coverage"] == 0.95, ["half_width", "test_coverage"]].isna().all(axis=None)
    )
    assert found.loc[found["coverage"] == 0.8, "half_width"].notna().all()


@pytest.mark.parametrize("candidate", [Candidate("base rate", ()), PORTFOLIO])
def test_a_portfolio_without_models_has_intervals_too(candidate):
    pairs = [(outputs(0, 900), outputs(1, 900, 900))]
    width = interval_table(candidate, pairs, TASKS, 0).set_index(["task", "coverage"])
    assert width.loc[("narrow", 0.9), "half_width"] == pytest.approx(
        1.645 * (1 if candidate.models else 10**0.5), rel=0.12
    )
