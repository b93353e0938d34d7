from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from cotrain.allocation import Fit, all_together, rotations, subset_fit
from cotrain.exceptions import DataError, FitError
from cotrain.gradients import AffinityRecord, AffinityRecorder, masked_mean, record_affinity
from cotrain.gradients._fit import (
    _ModuleRecording,
    _NetworkRecording,
    network_of,
    record_operations,
)
from cotrain.tasks import TaskTable
from cotrain.training.network import ModuleNetwork, ModuleSettings, NetworkSettings
from cotrain.training.network._randomness import epoch_order, keep_mask
from cotrain.training.network._torch import TorchEngine
from cotrain.training.network.watching import WatchedFit

N_EXAMPLES, N_FEATURES, N_TASKS, N_FOLDS = 90, 24, 4, 6


def settings(**changes: object) -> NetworkSettings:
    return NetworkSettings(
        **{
            "engine": "torch",
            "hidden": [16],
            "dropout": 0.2,
            "epochs": 3,
            "batch_fraction": 0.02,
            "min_batch_size": 8,
            "learning_rate": 0.01,
            "decay_epochs": [2],
            "decay_factor": 0.3,
            "weight_decay": 0.0,
            "patience": 0,
        }
        | changes
    )


@pytest.fixture(scope="module")
def table() -> TaskTable:
    rng = np.random.default_rng(0)
    bits = rng.random((N_EXAMPLES, N_FEATURES)) < 0.3
    known = rng.random((N_EXAMPLES, N_TASKS)) < 0.4
    row, task = np.nonzero(known)
    kinds = ("binary", "binary", "real", "binary")
    values = np.where(task == 2, rng.normal(5, 2, row.size), rng.random(row.size) < 0.5)
    return TaskTable(
        features=csr_array(bits.astype(np.float32)),
        labels=csr_array(
            (values.astype(np.float32), task, np.append(0, known.sum(axis=1).cumsum())),
            shape=known.shape,
        ),
        folds=np.arange(N_EXAMPLES) % N_FOLDS,
        tasks=("a", "b", "c", "d"),
        kinds=kinds,
        examples=tuple(map(str, range(N_EXAMPLES))),
        n_folds=N_FOLDS,
    )


@pytest.fixture(scope="module")
def fit() -> Fit:
    return all_together(N_TASKS, 3, rotations(N_FOLDS, 3, 1, 1, seed=5))[0]


@pytest.mark.parametrize("hidden", [[16], [16, 12]], ids=["one layer", "two layers"])
@pytest.mark.parametrize("patience", [0, 1])
def test_the_fit_is_that_of_the_torch_engine_to_the_bit(
    table: TaskTable, fit: Fit, hidden: list[int], patience: int
) -> None:
    model = settings(hidden=hidden, patience=patience)
    watched = WatchedFit.of(table, fit, model)
    recording = _NetworkRecording(watched, every=1, mode="paper", heads_step="stepped")
    watched.train(recording.look)
    assert len(recording.epochs) > 0
    recorded = watched.weights(0)
    plain = TorchEngine(device="cpu").train_weights(table, fit, model)
    for layer, twin in zip(
        [*recorded.hidden, recorded.heads], [*plain.hidden, plain.heads], strict=True
    ):
        np.testing.assert_array_equal(layer.weight, twin.weight)
        np.testing.assert_array_equal(layer.bias, twin.bias)


class Twin(nn.Module):
    """The network before its first step, as any torch module would be written."""

    def __init__(self, fit: WatchedFit) -> None:
        super().__init__()
        ((layer,), heads), problem = network_of(fit), fit.problem
        self.trunk = nn.ParameterList([nn.Parameter(torch.tensor(part)) for part in layer])
        self.heads = nn.ParameterList([nn.Parameter(torch.tensor(part)) for part in heads])
        batch = epoch_order(fit.seeds[0], 0, problem.train.rows)[:8]
        examples = problem.train.rows[batch]
        keep = keep_mask(fit.seeds[0], 0, 0, examples, 16, 0.2)
        self.keep = torch.from_numpy(keep) / 0.8
        self.x = torch.from_numpy(fit.trunk.table.features[examples].toarray())
        labels = fit.trunk.table.labels[examples]
        known = csr_array((np.ones(labels.nnz), labels.indices, labels.indptr), labels.shape)
        self.is_known = torch.from_numpy(known.toarray() > 0)
        values = (labels.toarray() - problem.shift) / problem.scale
        self.y = torch.from_numpy(values).float()
        self.is_real = ~torch.from_numpy(problem.is_binary)

    def losses(self, _: None) -> Tensor:
        top = torch.relu(self.x @ self.trunk[0] + self.trunk[1]) * self.keep
        output = top @ self.heads[0] + self.heads[1]
        log_loss = nn.functional.softplus(output) - self.y * output
        loss = torch.where(self.is_real, (output - self.y) ** 2, log_loss)
        return masked_mean(loss, self.is_known)


@pytest.mark.parametrize("mode", ["paper", "released"])
@pytest.mark.parametrize("heads_step", ["fixed", "stepped"])
def test_records_what_the_recorder_of_torch_models_records(
    table: TaskTable, fit: Fit, mode: str, heads_step: str
) -> None:
    model = settings(learning_rate=0.3, epochs=1)
    record = record_affinity(table, fit, model, every=100, mode=mode, heads_step=heads_step)
    twin = Twin(WatchedFit.of(table, fit, model))
    recorder = AffinityRecorder(
        twin,
        twin.losses,
        twin.trunk,
        optimizer=torch.optim.SGD(twin.parameters(), lr=0.3),
        mode=mode,
        heads_step=heads_step,
    ).step(None)
    assert np.isfinite(record.affinity).any()
    np.testing.assert_allclose(record.affinity, recorder.affinity_, atol=1e-5)
    np.testing.assert_allclose(record.cosine, recorder.cosine_, atol=1e-5)


def module(trunk: str, **changes: object) -> ModuleSettings:
    shared = settings(**changes).model_dump(exclude={"kind", "engine", "hidden", "dropout"})
    return ModuleSettings(**shared | {"trunk": f"small_trunks:{trunk}", "device": "cpu"})


@pytest.mark.parametrize("heads_step", ["fixed", "stepped"])
def test_a_module_that_is_the_network_records_what_the_network_does(
    table: TaskTable, fit: Fit, heads_step: str
) -> None:
    wanted = record_affinity(table, fit, settings(dropout=0.0), every=3, heads_step=heads_step)
    found = record_affinity(table, fit, module("as_the_network"), every=3, heads_step=heads_step)
    np.testing.assert_allclose(found.history, wanted.history, atol=1e-5)
    np.testing.assert_allclose(found.cosine, wanted.cosine, atol=1e-5)
    for name in ("steps", "epochs", "counts", "undefined"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.record_flops > found.flops / 3 > 0


def test_recording_leaves_no_trace_in_a_module(table: TaskTable, fit: Fit) -> None:
    model = module("dropped_and_normalised")
    watched = WatchedFit.of(table, fit, model)
    watched.train(_ModuleRecording(watched, every=1, mode="paper", heads_step="fixed").look)
    plain = ModuleNetwork(model).fit(table, fit)
    for name, value in watched.module().module.state_dict().items():
        np.testing.assert_array_equal(value, plain.module.state_dict()[name], err_msg=name)


def test_a_record_holds_every_nth_step_and_means_by_epoch(table: TaskTable, fit: Fit) -> None:
    record = record_affinity(table, fit, settings(), every=2)
    n_rows = len(np.unique(record_rows(table, fit)))
    n_steps = -(-n_rows // 8)
    np.testing.assert_array_equal(record.steps, np.arange(0, 3 * n_steps, 2))
    np.testing.assert_array_equal(record.epochs, record.steps // n_steps)
    assert record.history.shape == (len(record.steps), N_TASKS, N_TASKS)
    np.testing.assert_array_equal(record.counts, (~np.isnan(record.history)).sum(axis=0))
    assert 0 < record.counts[~np.eye(N_TASKS, dtype=bool)].min() < len(record.steps) + 1
    assert np.isnan(np.diagonal(record.affinity)).all()


def record_rows(table: TaskTable, fit: Fit) -> np.ndarray:
    has_label = np.diff(table.labels.indptr) > 0
    return np.flatnonzero(has_label & np.isin(table.folds, fit.allocation.folds))


def test_matrices_are_over_the_members(table: TaskTable) -> None:
    rotation = rotations(N_FOLDS, 3, 1, 1, seed=5)[0]
    record = record_affinity(table, subset_fit(N_TASKS, [1, 3], 3, rotation), settings())
    np.testing.assert_array_equal(record.tasks, [1, 3])
    frame = record.to_frame(table.tasks)
    assert list(zip(frame.recipient, frame.source, strict=True)) == [("b", "d"), ("d", "b")]
    assert frame.affinity.tolist() == [record.affinity[0, 1], record.affinity[1, 0]]
    assert frame["count"].tolist() == [record.counts[0, 1], record.counts[1, 0]]


def test_a_saved_record_is_read_back_without_its_seconds(
    table: TaskTable, fit: Fit, tmp_path: Path
) -> None:
    first, second = (record_affinity(table, fit, settings()) for _ in range(2))
    first.save(tmp_path / "first.npz")
    second.save(tmp_path / "second.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    loaded = AffinityRecord.load(tmp_path / "first.npz")
    np.testing.assert_array_equal(loaded.affinity, first.affinity)
    assert loaded.flops == first.flops > 0
    assert loaded.record_flops == first.record_flops > 0
    assert first.seconds > 0
    assert np.isnan(loaded.seconds)


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no affinity record here; run `cotrain affinity`"):
        AffinityRecord.load(tmp_path / "missing.npz")
    np.savez(tmp_path / "other.npz", steps=np.arange(3))
    with pytest.raises(DataError, match="not an affinity record"):
        AffinityRecord.load(tmp_path / "other.npz")


def test_early_stopping_ends_the_record(table: TaskTable, fit: Fit) -> None:
    # A learning rate that overshoots: validation loss soon rises.
    model = settings(epochs=40, patience=2, learning_rate=0.1)
    record = record_affinity(table, fit, model)
    assert record.epochs.max() < 39


def test_operations_of_a_record_by_hand() -> None:
    # 2 rows with 2 and 1 features, one of them common; 3 labels, 2 + 0 + 1; 5 units, then 7.
    features = csr_array(np.array([[1, 1, 0], [0, 1, 0]], np.float32))
    counts = np.array([2, 0, 1])
    first, products, shifts = 3 * 5, 1 + 4, 2 * 3 * 5
    outputs, gram = 2 * 5 * 3 + 3 * 3 * 5, (2 + 2) * 3 * 5
    assert record_operations(features, [5], counts) == 2 * (
        first + products + shifts + outputs + gram
    )
    outputs, gram = 2 * 7 * 3 + 3 * 3 * 7, (2 + 2) * 3 * (5 + 7) + 4 * 5
    first += (2 * 3 + 3) * 5 * 7
    shifts += 2 * 3 * (5 + 7)
    assert record_operations(features, [5, 7], counts) == 2 * (
        first + products + shifts + outputs + gram
    )


def test_refuses_a_fit_of_one_task(table: TaskTable) -> None:
    rotation = rotations(N_FOLDS, 3, 1, 1, seed=5)[0]
    with pytest.raises(ValueError, match="fit must have at least two members"):
        record_affinity(table, subset_fit(N_TASKS, [1], 3, rotation), settings())


def test_refuses_to_record_less_than_every_step(table: TaskTable, fit: Fit) -> None:
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        record_affinity(table, fit, settings(), every=0)


def test_divergence_is_a_fit_error(table: TaskTable, fit: Fit) -> None:
    with pytest.raises(FitError, match="lower the learner's `learning_rate`"):
        record_affinity(table, fit, settings(learning_rate=1e25), every=1000)
