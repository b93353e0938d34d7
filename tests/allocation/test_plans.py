from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotrain.allocation import (
    WAYS,
    Plan,
    Rounds,
    all_together,
    augmentations,
    by_recipe,
    count_subsets,
    random_subsets,
    rotations,
    single_tasks,
    subset_fit,
)
from cotrain.exceptions import DataError

REPEATS = rotations(n_folds=6, n_train=2, n_test=1, n_repeats=3, seed=10)


@given(n_train=st.integers(1, 4), n_test=st.integers(1, 3), n_repeats=st.integers(1, 9), turn=...)
def test_every_fold_serves_once_in_every_rotation(
    n_train: int, n_test: int, n_repeats: int, turn: bool
):
    turns = rotations(10, n_train, n_test, n_repeats, seed=0, rotate=turn)
    for rotation in turns:
        folds = rotation.folds
        assert sorted((*folds.train, *folds.validation, *folds.test)) == list(range(10))
        assert folds.test == turns[0].folds.test
    assert [rotation.seed for rotation in turns] == list(range(n_repeats))


def test_more_repeats_keep_the_first_ones():
    assert rotations(6, 2, 1, 5, seed=10)[:3] == REPEATS


def test_repeats_after_others_turn_the_folds_on_from_there():
    later = rotations(6, 2, 1, 3, seed=10, after=2)
    assert [one.folds for one in later] == [one.folds for one in rotations(6, 2, 1, 5, 10)[2:]]
    assert [(one.repeat, one.seed) for one in later] == [(0, 10), (1, 11), (2, 12)]


def test_without_rotation_the_folds_stay():
    assert len({rotation.folds for rotation in rotations(6, 2, 1, 4, 0, rotate=False)}) == 1


def test_no_fold_for_validation_is_refused():
    with pytest.raises(ValueError, match="leave a fold for validation, got 4 \\+ 2 of 6"):
        rotations(6, 4, 2, 1, 0)


@given(st.integers(2, 12), st.data())
def test_random_subsets_are_distinct_and_grow_by_adding(n_tasks, data):
    max_size = data.draw(st.integers(1, n_tasks))
    min_size = data.draw(st.integers(1, max_size))
    subsets = random_subsets(n_tasks, n_tasks, 1, n_tasks, seed=3)
    assert len(set(subsets)) == n_tasks
    assert random_subsets(n_tasks, n_tasks - 1, 1, n_tasks, seed=3) == subsets[:-1]
    (one,) = random_subsets(n_tasks, 1, min_size, max_size, seed=4)
    assert min_size <= len(one) <= max_size
    assert list(one) == sorted(set(one))


@settings(deadline=None)  # no test may depend on timing
@given(st.integers(2, 6), st.data())
def test_subsets_hold_a_primary_task_and_all_such_are_found(n_tasks, data):
    primary = data.draw(st.sets(st.integers(0, n_tasks - 1), min_size=1))
    max_size = data.draw(st.integers(1, n_tasks))
    every = [
        subset
        for size in range(1, max_size + 1)
        for subset in combinations(range(n_tasks), size)
        if primary & set(subset)
    ]
    assert count_subsets(n_tasks, 1, max_size, len(primary)) == len(every)
    found = random_subsets(n_tasks, 10_000, 1, max_size, 3, primary)
    assert sorted(found) == sorted(every)
    assert random_subsets(n_tasks, 5, 1, max_size, 3, primary) == found[:5]


@pytest.mark.parametrize("n_tasks", [2, 3, 4, 12])
def test_all_subsets_are_returned_where_there_are_no_more(n_tasks):
    n_all = 2**n_tasks - n_tasks - 1
    found = random_subsets(n_tasks, 10**5, 2, n_tasks, seed=0)
    assert len(found) == len(set(found)) == n_all
    assert random_subsets(n_tasks, max(n_all - 1, 1), 2, n_tasks, seed=0) == (found[:-1] or found)


def test_sizes_that_do_not_fit_the_tasks_are_refused():
    with pytest.raises(ValueError, match="max_size <= 4"):
        random_subsets(4, 7, 2, 5, seed=0)


def test_single_task_and_all_together_fits_are_what_they_say():
    for fit in single_tasks(3, 2, REPEATS):
        assert len(fit.members) == 1
        assert fit.allocation.folds == tuple(sorted(REPEATS[fit.repeat].folds.train))
    assert [fit.members for fit in all_together(3, 1, REPEATS)] == [(0, 1, 2)] * 3


def test_the_grid_adds_one_fold_of_one_task():
    fits = augmentations(3, [1], REPEATS)
    assert len(fits) == 3 * (3 + 1)
    for repeat in range(3):
        baseline, *augmented = [fit for fit in fits if fit.repeat == repeat]
        assert baseline.auxiliary is None
        for fit in augmented:
            added = fit.allocation.cells - baseline.allocation.cells
            assert added == {(fit.auxiliary, baseline.folds.train[1])}
            assert fit.seed == baseline.seed


def test_a_level_without_a_fold_to_add_is_refused():
    with pytest.raises(ValueError, match="leave a training fold to add, so be below 2, got 2"):
        augmentations(3, [2], REPEATS)
    with pytest.raises(ValueError, match=r"level must be in 1 \.\. 2, got 3"):
        subset_fit(3, [0], 3, REPEATS[0])


def test_a_plan_holds_each_fit_once_under_the_first_kind():
    together = all_together(3, 1, REPEATS)
    first = Plan.of("subsets", [*together, *together], "v", {"network": {}})
    assert len(first) == 3
    grid = Plan.of(
        "augmentations", augmentations(3, [1], REPEATS), "v", {"network": {}}, without=[first]
    )
    assert len(grid) == 9
    assert not set(first) & set(grid)
    both = Plan.of("both", [*together, *augmentations(3, [1], REPEATS)], "v", {"network": {}})
    assert [fit.kind for fit in both.fits.values()][:3] == ["together"] * 3


def test_a_plan_survives_its_file(tmp_path):
    plan = Plan.of("grid", augmentations(3, [1], REPEATS), "v", {"network": {}})
    plan.save(tmp_path / "grid.parquet")
    loaded = Plan.load(tmp_path / "grid.parquet")
    assert list(loaded.fits.items()) == list(plan.fits.items())
    assert loaded.name == "grid"


def test_rounds_survive_the_file_and_add_subsets_in_the_same_repeats(tmp_path):
    rounds = Rounds(9, 3, 1, 2, "log_loss", 0.05, 7)
    fits = [*all_together(3, 1, REPEATS), *single_tasks(3, 1, REPEATS)]
    known = {f"network/{way}": {} for way in WAYS}
    plan = Plan.of("subsets", by_recipe("network", fits), "v", known, rounds=rounds)
    plan.save(tmp_path / "subsets.parquet")
    assert Plan.load(tmp_path / "subsets.parquet") == plan
    grown = plan.with_subsets([(0, 1), (2,), (0, 1)], "v", known)
    assert grown.subsets == [(0, 1)]  # task 2 alone was planned before
    assert grown.rounds == rounds
    added = list(grown.fits.values())[len(plan) :]
    wanted = by_recipe("network", [subset_fit(3, (0, 1), 1, rotation) for rotation in REPEATS])
    assert added == wanted


def test_a_missing_or_broken_plan_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match="run `cotrain plan` first"):
        Plan.load(tmp_path / "grid.parquet")
    (tmp_path / "grid.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="not a plan"):
        Plan.load(tmp_path / "grid.parquet")
