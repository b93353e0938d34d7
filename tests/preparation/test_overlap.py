import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from cotrain.preparation._notes import overlap_table
from cotrain.tables import TABLES
from cotrain.tasks import TaskTable


def table_of(known: np.ndarray, labels: np.ndarray | None = None) -> TaskTable:
    """A table with labels where `known`, (N, K); all 0 unless given: stored zeros are labels."""
    rows, columns = np.nonzero(known)
    data = np.zeros(len(rows), np.float32) if labels is None else labels[rows, columns]
    n, n_tasks = known.shape
    return TaskTable(
        features=np.zeros((n, 1), np.float32),
        labels=csr_array((data.astype(np.float32), (rows, columns)), shape=known.shape),
        folds=np.zeros(n, np.int64),
        tasks=tuple(f"t{at}" for at in range(n_tasks)),
        kinds=("binary",) * n_tasks,
        examples=tuple(f"x{at}" for at in range(n)),
        n_folds=1,
    )


def test_shares_are_of_the_target_and_zeros_count_as_labels():
    known = np.array([[1, 1], [1, 1], [1, 0], [1, 0], [0, 1]], dtype=bool)
    table = overlap_table(table_of(known), ["a", "b", "b", "c", "c"])
    rows = table.set_index(["target", "source"])
    assert rows.loc[("t0", "t1")].tolist() == [2, 0.5, 1.0]  # scaffolds a, b, c hold labels of both
    assert rows.loc[("t1", "t0")].tolist() == [2, pytest.approx(2 / 3), 1.0]
    TABLES["overlap"].format(table)


@given(arrays(bool, st.tuples(st.integers(2, 12), st.integers(2, 5))), st.randoms())
def test_what_is_counted_is_what_a_loop_counts(known, random):
    known[np.arange(known.shape[1]) % len(known), np.arange(known.shape[1])] = True
    groups = [random.choice("abc") for _ in known]
    found = overlap_table(table_of(known), groups).set_index(["target", "source"])
    for target in range(known.shape[1]):
        for source in set(range(known.shape[1])) - {target}:
            both = known[:, target] & known[:, source]
            own, other = (
                {g for g, one in zip(groups, known[:, at], strict=True) if one}
                for at in (target, source)
            )
            if not own & other:
                assert (f"t{target}", f"t{source}") not in found.index
                continue
            row = found.loc[(f"t{target}", f"t{source}")]
            assert row["n_shared"] == both.sum()
            assert row["share"] == pytest.approx(both.sum() / known[:, target].sum())
            assert row["group_share"] == pytest.approx(len(own & other) / len(own))


def test_tasks_that_share_nothing_have_no_row():
    found = overlap_table(table_of(np.eye(4, dtype=bool)), list("abbc"))
    assert found[["target", "source"]].to_numpy().tolist() == [["t1", "t2"], ["t2", "t1"]]
    assert (found["n_shared"] == 0).all()
    assert (found["group_share"] == 1).all()
