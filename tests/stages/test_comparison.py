"""Which group serves a task, what groupings cost, and what the tables say of both."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from random_fits import make_model, make_table
from scipy import stats

from cotrain.allocation import encode_tasks, rotations, subset_fit
from cotrain.stages._comparison_tables import comparison_tables, served_table
from cotrain.stages._group_scores import GroupScores
from cotrain.stages._grouping_costs import grouping_costs, measured_seconds
from cotrain.training import FitResult, Journal
from cotrain.training.network import Network

TASKS = ("a", "b", "c")
RIVALS = {
    "recommended": [((0, 1), (1, 2))],
    "single-task": [((0,), (1,), (2,))],
    "random": [((0, 2), (1, 2)), ((0, 1), (0, 2))],
}
GROUPS = sorted({group for found in RIVALS.values() for one in found for group in one})
N_LABELS = np.array([100, 20, 3])


def fit_rows(n_repeats=3) -> pd.DataFrame:
    """A fit table where a group's scores are a pattern of its place and the repeat."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "fit_id": f"{repeat:016x}{place:016x}",
            "repeat": repeat,
            "members": encode_tasks(group),
            "task": TASKS[task],
            "n_labels": N_LABELS[task] + repeat,
            **{f"{part}_log_loss": rng.random() for part in ("val", "test")},
            **{f"{part}_auroc": rng.random() for part in ("val", "test")},
        }
        for repeat, (place, group) in product(range(n_repeats), enumerate(GROUPS))
        for task in group
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def rows():
    return fit_rows()


def by_hand(rows, grouping, chosen_by, score, task):
    """Test scores of a task over repeats, served by the group with the best mean of validation."""
    found = rows[rows["task"] == TASKS[task]]
    codes = [encode_tasks(group) for group in grouping if task in group]
    sign = -1 if chosen_by == "log_loss" else 1
    means = {c: sign * found.loc[found["members"] == c, f"val_{chosen_by}"].mean() for c in codes}
    best = max(means, key=means.get)
    served = found[found["members"] == best].sort_values("repeat")
    return served[f"test_{score}"].to_numpy() * (-1 if score == "log_loss" else 1)


@pytest.mark.parametrize("chosen_by", ["log_loss", "auroc"])
def test_a_task_is_served_by_its_best_group_on_validation_labels(rows, chosen_by):
    scored = {name: GroupScores.of(rows, RIVALS, TASKS, name, 3) for name in ("log_loss", "auroc")}
    for score, scores in scored.items():
        found = scores.test_scores(RIVALS, scored[chosen_by])
        for name, groupings in RIVALS.items():
            for task in range(3):
                each = [by_hand(rows, one, chosen_by, score, task) for one in groupings]
                np.testing.assert_allclose(found[name][:, task], np.mean(each, axis=0))


def test_a_group_without_a_score_serves_no_task_that_another_holds(rows):
    rows.loc[rows["members"] == encode_tasks((0, 1)), "val_log_loss"] = np.nan
    scores = GroupScores.of(rows, RIVALS, TASKS, "log_loss", 3)
    assert scores.serving(RIVALS["recommended"][0]).tolist() == [0, 1, 1]


def test_the_served_table_has_the_scores_as_they_are_with_intervals(rows):
    scored = {name: GroupScores.of(rows, RIVALS, TASKS, name, 3) for name in ("log_loss", "auroc")}
    grouping = RIVALS["recommended"][0]
    table = served_table(scored, scored["log_loss"], grouping, TASKS)
    assert table["group"].tolist()[0::3] == [0, 0]
    assert table["group"].tolist()[2::3] == [1, 1]
    for row in table.itertuples():
        values = by_hand(rows, grouping, "log_loss", row.score, TASKS.index(row.task))
        values = -values if row.score == "log_loss" else values
        low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        assert (row.mean, row.low, row.high) == pytest.approx((values.mean(), low, high))
        assert row.n_repeats == 3


TABLE = make_table(n_features=50, n_tasks=3)
REPEATS = rotations(5, 3, 1, 2, seed=0)
LEARNER = Network(make_model(hidden=[8, 4], epochs=3))


@pytest.fixture(scope="module")
def costs() -> pd.DataFrame:
    fits = [subset_fit(3, group, 2, repeat) for repeat in REPEATS for group in GROUPS]
    return grouping_costs(RIVALS, fits, TABLE, LEARNER)


def test_costs_are_counted_by_hand(costs):
    assert costs["n_models"].to_dict() == {"recommended": 2, "single-task": 3, "random": 2}
    one, other = ([*repeat.folds.train[:2]] for repeat in REPEATS)
    assert one != other
    a, b, c = (TABLE.label_counts[:, one] + TABLE.label_counts[:, other]).sum(axis=1) / 2
    assert costs["n_labels"].to_dict() == {
        "recommended": a + 2 * b + c,
        "single-task": a + b + c,
        "random": ((a + b + 2 * c) + (2 * a + b + c)) / 2,
    }


def test_seconds_are_those_of_the_cost_model_for_a_repeat(costs):
    def seconds(*groups):
        fits = [subset_fit(3, group, 2, repeat) for repeat in REPEATS for group in groups]
        return LEARNER.cost(TABLE, fits).sum() / 2

    assert costs["seconds"].to_dict() == pytest.approx(
        {
            "recommended": seconds((0, 1), (1, 2)),
            "single-task": seconds((0,), (1,), (2,)),
            "random": (seconds((0, 2), (1, 2)) + seconds((0, 1), (0, 2))) / 2,
        }
    )


def test_measured_seconds_are_those_of_the_journal_and_unknown_where_one_is(rows, tmp_path):
    journal = Journal(tmp_path)
    scores = FitResult(np.array([0]), np.array([1]), np.zeros((1, 7)), np.zeros((1, 7)), 1)
    for fit in rows["fit_id"].unique():
        if int(fit[16:], 16) != GROUPS.index((0, 2)):
            journal.write(fit, scores, 1.0 + int(fit[:16], 16))
    found = measured_seconds(RIVALS, rows, journal)
    assert found["recommended"] == 2 * 2.0
    assert found["single-task"] == 3 * 2.0
    assert np.isnan(found["random"])


@pytest.mark.parametrize(("n_repeats", "method"), [(9, "t"), (10, "bootstrap")])
def test_intervals_are_student_s_until_there_are_ten_repeats(costs, n_repeats, method):
    rng = np.random.default_rng(1)
    scores = {name: rng.random((n_repeats, 3)) for name in RIVALS}
    overall, tasks = comparison_tables({"auroc": scores}, costs, TASKS)
    gains = (scores["recommended"] - scores["random"]).mean(axis=1)
    row = overall.set_index("grouping").loc["random"]
    student = stats.t.interval(0.95, n_repeats - 1, gains.mean(), stats.sem(gains))
    assert row["difference"] == pytest.approx(gains.mean())
    assert ((row["low"], row["high"]) == pytest.approx(student)) == (method == "t")
    names = ["n_models", "n_labels", "seconds"]
    assert row[names].to_dict() == costs.loc["random"].to_dict()
    assert len(tasks) == 9
