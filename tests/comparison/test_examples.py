"""Intervals count the examples that happen to be scored, beside the repeats."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from cotrain.comparison import Model, Outputs, Way, comparison_tables, score_ways
from cotrain.reliability import paired_interval

KNOWS, GUESSES = Model("knows", (0, 1)), Model("guesses", (0, 1))
WAYS = [Way("knows", (KNOWS,)), Way("guesses", (GUESSES,))]
COSTS = pd.DataFrame({"n_models": 1.0}, index=["knows", "guesses"])


def drawn(seed: int, n: int = 300) -> Outputs:
    """Labels of two tasks for the same examples; two fixed models, one a little better."""
    rng = np.random.default_rng(seed)
    signal = 1.5 * rng.normal(size=n)
    task = np.repeat([0, 1], n)
    logit = np.tile(signal, 2)
    return Outputs(
        task=task,
        example=np.tile(np.arange(n), 2),
        fold=np.zeros(2 * n, dtype=int),
        truth=(rng.random(2 * n) < expit(logit)).astype(float),
        base=np.zeros(2 * n),
        scale=np.ones(2 * n),
        is_binary=np.ones(2, dtype=bool),
        by_model={KNOWS: logit, GUESSES: logit + np.tile(rng.normal(size=n), 2)},
    )


def intervals(outputs: Outputs, score: str) -> pd.Series:
    """Of three repeats that differ in nothing, as those of a learner without seeds."""
    scored = score_ways(WAYS, [(outputs, outputs)] * 3, 0)
    by_way = {name: one.raw.column(score) for name, one in scored.items()}
    overall, _ = comparison_tables({(score, False): by_way}, COSTS, ["a", "b"])
    return overall.iloc[1]


@pytest.mark.parametrize("score", ["auroc", "log_loss", "d2"])
def test_intervals_hold_what_other_examples_say(score):
    true = intervals(drawn(-1 % 2**32, 100_000), score)["difference"]
    found = [intervals(drawn(seed), score) for seed in range(80)]
    held = np.mean([one["low"] < true < one["high"] for one in found])
    assert held > 0.87  # 95 % of 80 are fewer once in 400
    width = np.mean([one["high"] - one["low"] for one in found])
    spread = np.std([one["difference"] for one in found])
    assert 3 < width / spread < 5.5  # 2 * 2.09 is what 20 parts ask for


def test_repeats_and_examples_add_up():
    rng = np.random.default_rng(0)
    values, parts = rng.normal(size=(3, 4)), 0.1 * rng.normal(size=(20, 4))
    both = paired_interval(values, without=parts)
    repeats = paired_interval(values)
    variance = values.var(axis=0, ddof=1) / 3
    added = 19 / 20 * 20 * parts.var(axis=0)
    np.testing.assert_array_equal(both.estimate, repeats.estimate)
    dof = (variance + added) ** 2 / (variance**2 / 2 + added**2 / 19)
    assert (dof > 2).all()
    reach = stats.t.ppf(0.975, dof) * np.sqrt(variance + added)
    np.testing.assert_allclose(both.high - both.estimate, reach)
    nothing = paired_interval(values, without=np.zeros((20, 4)))
    np.testing.assert_allclose(nothing.low, repeats.low)


@pytest.mark.parametrize("shape", [(1, 4), (20, 3)])
def test_bad_parts(shape):
    with pytest.raises(ValueError, match="n_parts"):
        paired_interval(np.zeros((3, 4)), without=np.zeros(shape))
