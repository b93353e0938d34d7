"""Which claims stand: tasks with skill, and effects that permuted labels do not show."""

import numpy as np
import pandas as pd
import pytest

from cotrain.analysis import SubsetScores, skilled_tasks, withhold

TASKS = ("a", "b", "c", "d")


def scores(single, together, n_repeats=4, noise=0.01, seed=0):
    """Scores of each task alone and of all together."""
    rng = np.random.default_rng(seed)
    values = np.full((n_repeats, 5, 4), np.nan)
    for task in range(4):
        values[:, task, task] = single[task]
    values[:, 4] = together
    values += noise * rng.normal(size=values.shape)
    return SubsetScores(np.vstack([np.eye(4, dtype=int), np.ones((1, 4), dtype=int)]), values)


def test_a_task_has_skill_if_either_way_of_training_beats_the_base_rate():
    found = skilled_tasks(scores([0.3, -0.1, 0.0, 0.3], [-0.1, 0.2, -0.2, 0.4]), TASKS, 0.05)
    assert found["skilled"].tolist() == [True, True, False, True]
    np.testing.assert_allclose(found["d2"], [0.3, 0.2, 0.0, 0.4], atol=0.02)


@pytest.mark.parametrize("n_repeats", [2, 4])
def test_luck_is_no_skill(n_repeats):
    made = (scores([0] * 4, [0] * 4, n_repeats, noise=0.1, seed=seed) for seed in range(100))
    lucky = [skilled_tasks(one, TASKS, 0.05)["skilled"].any() for one in made]
    assert np.mean(lucky) <= 0.2


def test_two_repeats_tell_clear_skill_for_the_tasks_steady_each_other_s_variance():
    """Each task by itself has one degree of freedom, and of 0.4 ± 0.07 nothing would be sure."""
    found = [
        skilled_tasks(scores([0.4, 0.4, 0.0, 0.0], [0.3, 0.3, 0.0, 0.0], 2, 0.1, seed), TASKS, 0.05)
        for seed in range(100)
    ]
    share = np.mean([one["skilled"] for one in found], axis=0)
    assert (share[:2] > 0.5).all()
    assert (share[2:] < 0.1).all()


def test_one_repeat_tells_skill_by_its_sign_and_an_unknown_score_is_none():
    one = scores([0.3, -0.1, np.nan, 0.1], [0.2, -0.2, np.nan, 0.2], n_repeats=1, noise=0)
    assert skilled_tasks(one, TASKS, 0.05)["skilled"].tolist() == [True, False, False, True]


def relevances(values, verdicts):
    pairs = [(t, s) for t in TASKS for s in TASKS if s != t]
    return pd.DataFrame(
        {
            "target": [t for t, _ in pairs],
            "source": [s for _, s in pairs],
            "relevance": values,
            "standard_error": 1.0,
            "verdict": verdicts,
        }
    )


REAL = relevances([9.0, -8.0, 2.5, *[0.1] * 9], ["helps", "hurts", "helps", *["undecided"] * 9])


def test_what_the_placebo_shows_as_well_is_withheld():
    placebo = relevances([3.0, -3.0, 2.8, *[0.5] * 9], ["undecided"] * 12)
    found = withhold(REAL, placebo, set(TASKS), 0.05)
    assert found["verdict"].tolist()[:3] == ["helps", "hurts", "undecided"]
    assert found["withheld"].tolist()[:3] == ["", "", "placebo"]


def test_nothing_stands_where_the_placebo_claims_as_much():
    found = withhold(REAL, REAL.assign(verdict="undecided"), set(TASKS), 0.05)
    assert set(found["verdict"]) == {"undecided"}


def test_nothing_is_said_of_a_target_without_skill():
    found = withhold(REAL, None, {"b", "c", "d"}, 0.05)
    assert found["verdict"].tolist()[:3] == ["undecided"] * 3
    assert found["withheld"].tolist()[:3] == ["no skill"] * 3
    assert (withhold(REAL, None, set(TASKS), 0.05)["verdict"] == REAL["verdict"]).all()


def test_nor_of_a_task_without_skill_in_a_table_of_tasks():
    alone = pd.DataFrame({"task": ["a", "b", "c"], "verdict": ["helps", "hurts", "unknown"]})
    found = withhold(alone, None, {"b"}, 0.05)
    assert found["verdict"].tolist() == ["undecided", "hurts", "unknown"]
    assert found["withheld"].tolist() == ["no skill", "", ""]


@pytest.mark.parametrize("n", [0, 3])
def test_a_placebo_that_knows_no_errors_withholds_nothing(n):
    placebo = relevances([1.0] * 12, ["undecided"] * 12).assign(standard_error=np.nan).head(n)
    assert (withhold(REAL, placebo, set(TASKS), 0.05)["withheld"] == "").all()
