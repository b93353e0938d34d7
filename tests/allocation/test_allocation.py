import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotrain.allocation import Allocation, decode_tasks, encode_tasks

cells = st.frozensets(st.tuples(st.integers(0, 6), st.integers(0, 4)))


@given(cells)
def test_the_matrix_holds_just_the_cells(cells):
    allocation = Allocation(7, 5, cells)
    assert {tuple(cell) for cell in np.argwhere(allocation.matrix).tolist()} == cells
    assert allocation.members == tuple(np.flatnonzero(allocation.matrix.any(axis=1)))
    assert allocation.folds == tuple(np.flatnonzero(allocation.matrix.any(axis=0)))


@given(cells, st.integers(0, 6), st.integers(0, 4))
def test_counts_agree_with_a_sum_over_cells(cells, task, fold):
    label_counts = np.arange(35).reshape(7, 5)
    allocation = Allocation(7, 5, cells).with_cell(task, fold)
    expected = np.zeros(7, dtype=int)
    for i, f in cells | {(task, fold)}:
        expected[i] += label_counts[i, f]
    np.testing.assert_array_equal(allocation.counts(label_counts), expected)


def test_a_cell_outside_the_matrix_is_refused():
    with pytest.raises(ValueError, match="3 tasks and 4 folds"):
        Allocation.of(3, 4, [3], [0])


@given(st.sets(st.integers(0, 300)))
def test_tasks_survive_their_code(tasks):
    assert decode_tasks(encode_tasks(tasks)) == tuple(sorted(tasks))
