"""Chemprop's D-MPNN as a learner; most of it where chemprop is installed: docs/learners.md."""

from dataclasses import replace

import numpy as np
import pytest
from molecules import some_molecules
from random_fits import make_fits, make_table
from scipy.sparse import csr_array

from cotrain.allocation import all_together, rotations
from cotrain.exceptions import DataError
from cotrain.gradients import record_affinity
from cotrain.scores import SCORES
from cotrain.settings import TrainSettings
from cotrain.tasks import TaskTable, file_version
from cotrain.testing import LearnerContract
from cotrain.training import FitFailure, sweep
from cotrain.training.network import Chemprop, _chemprop

AUROC, D2 = (list(SCORES).index(name) for name in ("auroc", "d2"))
MOLECULES = {"kind": "molecules"}


def chemprop(**changes):
    pytest.importorskip("chemprop")
    values = {"hidden": 32, "epochs": 10, "learning_rate": 0.01, "batch_fraction": 0.25}
    return Chemprop(Chemprop.Settings(device="cpu", **values | changes))


def of_molecules(table):
    """The labels of a table, of chains with a fluorine for each of the first six features.

    The end of each chain is its own, for like molecules would have like ranks.
    """
    bits = table.sparse_features[:, :6].toarray() > 0
    ends = np.stack(np.unravel_index(np.arange(table.n_examples), (3,) * 6), axis=1)
    names = [
        "".join(["C(F)" if bit else "C" for bit in head] + ["CNO"[at] for at in end])
        for head, end in zip(bits, ends, strict=True)
    ]
    return replace(table, examples=tuple(names), description=MOLECULES)


class TestChemprop(LearnerContract):
    def learner(self):
        return chemprop(dropout=0.1)

    def table(self, layout="sparse"):
        return of_molecules(super().table(layout))


@pytest.fixture(scope="module")
def amides():
    """Whether a molecule holds an amide, and a carbonyl: two tasks with gaps, in five folds."""
    smiles = some_molecules()
    rng = np.random.default_rng(0)
    found = np.array([["C(=O)N" in one or "NC(" in one, "C(=O)" in one] for one in smiles])
    row, task = np.nonzero(rng.random(found.shape) < 0.8)
    start = np.searchsorted(row, np.arange(len(smiles) + 1))
    labels = csr_array((found[row, task].astype(np.float32), task.astype(np.int32), start))
    return TaskTable(
        features=np.zeros((len(smiles), 1), dtype=np.float32),  # which tell nothing
        labels=labels,
        folds=rng.integers(0, 5, len(smiles)),
        tasks=("amide", "carbonyl"),
        kinds=("binary", "binary"),
        examples=tuple(smiles),
        n_folds=5,
        description=MOLECULES,
    )


@pytest.fixture(scope="module")
def fit():
    return all_together(2, 3, [rotations(5, 3, 1, 1, 0)[0]])[0]


def test_it_learns_a_substructure_and_nothing_from_permuted_labels(amides, fit):
    learner = chemprop(min_batch_size=16, batch_fraction=0.05)
    real, placebo = learner.evaluate(amides, [fit, replace(fit, placebo=1)])
    assert real.test[:, AUROC].min() > 0.95
    # Better than the base rate, and not.
    assert real.test[:, D2].min() > 0.5
    assert placebo.test[:, D2].max() < 0.05


def test_labels_outside_the_allocation_change_nothing(amides, fit):
    trained = np.isin(amides.folds[amides.label_rows], fit.allocation.folds)
    labels = amides.labels.copy()
    labels.data = np.where(trained, labels.data, 1 - labels.data)
    names = amides.inputs("molecules")[:20]
    one, other = (
        chemprop(epochs=2).fit(table, fit).outputs(names)
        for table in (amides, replace(amides, labels=labels))
    )
    np.testing.assert_array_equal(one, other)


def test_other_molecules_are_another_table_and_train_another_model(amides, fit, tmp_path):
    names = list(amides.examples)
    row = int(np.flatnonzero(amides.folds == fit.allocation.folds[0])[0])
    names[row] = "CCCCCCBr"
    tables = amides, replace(amides, examples=tuple(names))
    versions, outputs = set(), []
    for table in tables:
        table.save(tmp_path / "tasks.npz")
        versions.add(file_version(tmp_path / "tasks.npz"))
        outputs.append(chemprop(epochs=1).fit(table, fit).outputs(amides.inputs("molecules")))
    assert len(versions) == 2
    assert not np.array_equal(*outputs)


def test_atoms_without_bonds_and_no_molecules_at_all_have_outputs(amides, fit):
    trained = chemprop(epochs=1).fit(amides, fit)
    alone, beside = trained.outputs(np.array(["C"])), trained.outputs(np.array(["C", "CCO"]))
    np.testing.assert_allclose(alone[0], beside[0], rtol=1e-5)
    assert trained.outputs(np.array([], dtype=object)).shape == (0, 2)


def test_names_reach_the_workers_of_a_sweep(amides, fit):
    learner = chemprop(epochs=1)
    ((_, outcome, _),) = sweep(
        learner, amides, [fit], TrainSettings(workers=1, backend="threading")
    )
    np.testing.assert_array_equal(outcome.test, learner.evaluate(amides, [fit])[0].test)


def test_what_is_no_molecule_fails_the_fit_in_one_line(amides, fit):
    table = replace(amides, examples=("no molecule",) * amides.n_examples)
    outcome = chemprop().evaluate(table, [fit])[0]
    assert isinstance(outcome, FitFailure)
    assert outcome.reason.startswith("trunk `chemprop`: ValueError: 'no molecule' is no molecule")


def test_an_early_stop_is_told_and_taken(amides, fit):
    learner = chemprop(patience=1, epochs=6)
    assert learner.stops_early
    assert learner.evaluate(amides, [fit])[0].n_epochs <= 6


def test_gradient_affinities_are_recorded_along_its_fits(amides, fit):
    record = record_affinity(amides, fit, chemprop(epochs=1).settings, every=2)
    assert np.isfinite(record.affinity[~np.eye(2, dtype=bool)]).all()
    assert record.flops > 0


def test_examples_that_are_no_molecules_are_told(monkeypatch):
    monkeypatch.setattr(_chemprop, "find_spec", lambda _: True)
    learner = Chemprop(Chemprop.Settings())
    assert learner.trained.reads == "molecules"
    with pytest.raises(DataError, match="needs molecules, and the examples are none"):
        learner.evaluate(make_table(), make_fits()[:1])


def test_a_missing_package_names_itself(monkeypatch):
    monkeypatch.setattr(_chemprop, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="No module named 'chemprop'"):
        Chemprop(Chemprop.Settings())
