import numpy as np
import pandas as pd
import pytest

from cotrain.allocation import (
    all_together,
    augmentations,
    rotations,
    single_tasks,
    subset_fit,
)
from cotrain.analysis import Observations

TASKS = ("a", "b", "c")
REPEATS = rotations(n_folds=6, n_train=2, n_test=1, n_repeats=2, seed=0)
LABELS = np.arange(18).reshape(3, 6)
FITS = {
    f"{number}": fit
    for number, fit in enumerate(
        [
            *all_together(3, 1, REPEATS),
            *single_tasks(3, 1, REPEATS),
            *(subset_fit(3, (0, 2), 1, rotation) for rotation in REPEATS),
            *(fit for fit in augmentations(3, [1], REPEATS) if fit.auxiliary is not None),
        ]
    )
}


def runs(fits=FITS):
    """A run table in which a fit's score of a task is 100 x its number + the task's."""
    return pd.DataFrame(
        [
            {"fit_id": key, "task": TASKS[task], "val_auroc": 100 * int(key) + task}
            for key, fit in fits.items()
            for task in fit.members
        ]
    ).sample(frac=1, random_state=0)


def observe(score="auroc", frame=None):
    frame = runs() if frame is None else frame
    return Observations.of(frame, FITS, TASKS, LABELS, score)


def test_scores_and_counts_stand_in_the_order_of_the_fits():
    seen = observe()
    for row, (key, fit) in enumerate(FITS.items()):
        for task in range(3):
            if task in fit.members:
                assert seen.scores[row, task] == 100 * int(key) + task
                folds = [fold for member, fold in fit.allocation.cells if member == task]
                assert seen.counts[row, task] == LABELS[task, folds].sum()
            else:
                assert np.isnan(seen.scores[row, task])
                assert seen.counts[row, task] == 0


def test_losses_are_turned_round():
    frame = runs().rename(columns={"val_auroc": "val_log_loss"})
    np.testing.assert_array_equal(observe("log_loss", frame).scores, -observe().scores)


def test_subsets_hold_single_tasks_and_all_together():
    subsets = observe().subsets(level=1)
    assert subsets.indicators.tolist() == [[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert subsets.scores.shape == (2, 5, 3)
    np.testing.assert_array_equal(subsets.together, [[0, 1, 2], [100, 101, 102]])
    np.testing.assert_array_equal(subsets.single, [[200, 301, 402], [500, 601, 702]])
    np.testing.assert_array_equal(subsets.scores[:, 4], [[800, np.nan, 802], [900, np.nan, 902]])


def test_a_subset_that_one_repeat_lacks_is_left_out():
    fits = {key: fit for key, fit in FITS.items() if key != "9"}
    seen = Observations.of(runs(fits), fits, TASKS, LABELS, "auroc")
    assert seen.subsets(level=1).indicators.sum(axis=1).tolist() == [3, 1, 1, 1]


def test_the_grid_pairs_baselines_with_their_augmentations():
    grid = observe().grid([1], n_repeats=2)
    np.testing.assert_array_equal(grid.baseline[:, 0], [[0, 1, 2], [100, 101, 102]])
    for number, fit in FITS.items():
        if fit.auxiliary is not None:
            found = grid.augmented[fit.repeat, 0, fit.auxiliary]
            np.testing.assert_array_equal(found, 100 * int(number) + np.arange(3))


def test_a_level_that_was_not_trained_has_no_scores():
    assert np.isnan(observe().grid([2], n_repeats=2).baseline).all()
    assert observe().subsets(level=2).indicators.shape == (0, 3)


def test_a_fit_without_a_run_is_refused():
    frame = runs()
    with pytest.raises(ValueError, match="got none for 1 fits"):
        observe(frame=frame[frame["fit_id"] != "3"])


def test_fits_that_differ_in_seed_alone_become_one_with_their_mean():
    repeats = rotations(n_folds=6, n_train=2, n_test=1, n_repeats=3, seed=0, rotate=False)
    fits = {
        f"{number}": fit
        for number, fit in enumerate([*single_tasks(3, 1, repeats), *all_together(3, 1, repeats)])
    }
    frame = runs(fits)
    # The third seed lacks a score of task b alone.
    frame.loc[(frame["fit_id"] == "7") & (frame["task"] == "b"), "val_auroc"] = np.nan
    seen = Observations.of(frame, fits, TASKS, LABELS, "auroc")
    mean = seen.over_seeds()
    assert [fit.members for fit in mean.fits] == [(0,), (1,), (2,), (0, 1, 2)]
    assert mean.counts.tolist() == [*np.diag(LABELS[:, 0]).tolist(), LABELS[:, 0].tolist()]
    # Alone: fits 0, 3, 6 of a, 1 and 4 of b, 2, 5, 8 of c; together: 9, 10, 11.
    assert np.nanmax(mean.scores, axis=1).tolist() == [300, 251, 502, 1002]
    assert np.isnan(mean.scores[1, [0, 2]]).all()


def test_fits_on_other_folds_stay_apart():
    seen = observe()
    same = seen.over_seeds()
    assert same.fits == seen.fits
    assert np.array_equal(same.scores, seen.scores, equal_nan=True)


def test_a_block_is_what_a_task_is_trained_and_scored_on():
    seen = observe()
    blocks: dict[int, set[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
    for fit, row in zip(seen.fits, seen.blocks, strict=True):
        for task in fit.members:
            own = tuple(np.flatnonzero(fit.allocation.matrix[task]))
            blocks.setdefault(row[task], set()).add((own, fit.folds.validation))
    assert len(blocks) > 2
    assert all(len(found) == 1 for found in blocks.values())
    assert len(set.union(*blocks.values())) == len(blocks)
