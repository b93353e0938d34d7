import numpy as np
import pandas as pd
import pytest

from cotrain.allocation import all_together, augmentations, rotations, single_tasks, subset_fit
from cotrain.analysis import LabelTables, Observations

TASKS = ("a", "b", "c")
REPEATS = rotations(n_folds=6, n_train=3, n_test=1, n_repeats=3, seed=0)
LABELS = np.array([[40, 42, 38, 40, 41, 39], [60, 60, 61, 59, 60, 62], [50] * 6])
# Labels of the first task help the second; those of the third hurt it.
DISCOUNTS = np.array([[0.008, 0.0, 0.0], [0.004, 0.006, -0.002], [0.0, 0.0, 0.006]])


def observe(fits):
    """What fits would score on these curves, with a little noise."""
    rng = np.random.default_rng(0)
    counts = np.stack([fit.allocation.counts(LABELS) for fit in fits])
    scores = 0.9 - np.exp(-1.2 - counts @ DISCOUNTS.T) + rng.normal(0, 0.001, counts.shape)
    for row, fit in enumerate(fits):
        scores[row, [task for task in range(3) if task not in fit.members]] = np.nan
    return Observations(tuple(fits), counts, scores)


def all_kinds():
    pairs = [(0, 1), (0, 2), (1, 2)]
    return [
        *(fit for level in (1, 2) for fit in single_tasks(3, level, REPEATS)),
        *augmentations(3, [1, 2], REPEATS),
        *(subset_fit(3, pair, 2, rotation) for pair in pairs for rotation in REPEATS),
    ]


@pytest.fixture(scope="module")
def tables():
    return LabelTables.of(observe(all_kinds()), TASKS, level=2, seed=0)


def test_exchange_rates_are_those_of_the_truth(tables):
    rates = tables.exchange_rates.set_index(["target", "source"])
    assert len(rates) == 6
    assert rates.loc[("b", "a"), "low"] > 0
    assert rates.loc[("b", "c"), "high"] < 0
    truth = (DISCOUNTS / np.diag(DISCOUNTS)[:, None])[~np.eye(3, dtype=bool)]
    assert rates["exchange_rate"].to_numpy() == pytest.approx(truth, abs=0.1)
    assert tables.reason == ""


def test_next_labels_are_ranked_by_what_they_do_to_the_mean_score(tables):
    table = tables.next_labels.set_index("task")
    together = [fit.allocation.counts(LABELS) for fit in all_together(3, 2, REPEATS)]
    counts = np.mean(together, axis=0)
    assert table["n_labels"][list(TASKS)].to_numpy() == pytest.approx(counts)

    def mean_score(n):
        return (0.9 - np.exp(-1.2 - DISCOUNTS @ n)).mean()

    for task, name in enumerate(TASKS):
        gain = mean_score(counts + 100 * np.eye(3)[task]) - mean_score(counts)
        assert table.loc[name, "gain"] == pytest.approx(gain, abs=0.002)
        assert table.loc[name, "low"] < table.loc[name, "gain"] < table.loc[name, "high"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["gain"].is_monotonic_decreasing


def test_the_same_seed_gives_the_same_tables(tables):
    again = LabelTables.of(observe(all_kinds()), TASKS, level=2, seed=0)
    pd.testing.assert_frame_equal(again.exchange_rates, tables.exchange_rates, check_exact=True)
    pd.testing.assert_frame_equal(again.next_labels, tables.next_labels, check_exact=True)


def test_what_no_fit_tells_is_unknown():
    """The third task is always trained on the same labels; its own curve is not seen."""
    fits = [
        *(fit for fit in single_tasks(3, 2, REPEATS) if fit.members != (1,)),
        *(fit for level in (1, 2) for fit in single_tasks(3, level, REPEATS) if 1 in fit.members),
        *all_together(3, 2, REPEATS),
        *(fit for fit in augmentations(3, [2], REPEATS) if fit.auxiliary in (0, 1)),
    ]
    tables = LabelTables.of(observe(fits), TASKS, level=2, seed=0)
    rates = tables.exchange_rates.set_index(["target", "source"])
    assert rates.loc["c"].isna().all(axis=None)
    assert rates.loc["b"].notna().all(axis=None)
    unknown = tables.next_labels.set_index("task").loc["c"]
    assert unknown[["gain", "low", "high", "rank"]].isna().all()


@pytest.mark.parametrize(
    ("fits", "reason"),
    [
        ([fit for fit in all_kinds() if fit.members != (1,) and fit.level == 1], "no fit of all"),
        ([fit for fit in all_kinds() if 2 not in fit.members], "no score for c"),
    ],
    ids=["no fit of all tasks", "a task without scores"],
)
def test_without_a_model_tables_are_empty_and_say_why(fits, reason):
    tables = LabelTables.of(observe(fits), TASKS, level=2, seed=0)
    assert reason in tables.reason
    assert list(tables.exchange_rates) == ["target", "source", "exchange_rate", "low", "high"]
    assert list(tables.next_labels) == ["task", "n_labels", "gain", "low", "high", "rank"]
    assert tables.exchange_rates.empty
    assert tables.next_labels.empty


def test_one_level_without_augmentations_is_no_model():
    fits = [*single_tasks(3, 2, REPEATS[:1]), *all_together(3, 2, REPEATS[:1])]
    tables = LabelTables.of(observe(fits), TASKS, level=2, seed=0)
    assert "one level only" in tables.reason
    assert tables.exchange_rates.empty
