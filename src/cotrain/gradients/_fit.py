import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from torch.utils.flop_counter import FlopCounterMode

from cotrain.allocation import Fit
from cotrain.gradients._fit_module import FitModule
from cotrain.gradients._network import LabelledBatch, Layer, NetworkLookahead
from cotrain.gradients._record import AffinityRecord
from cotrain.gradients._recorder import AffinityRecorder, HeadsStep, History, Mode
from cotrain.tasks import TaskTable
from cotrain.training.network import NetworkSettings, TrunkSettings, pass_operations
from cotrain.training.network.watching import BatchView, WatchedFit


def record_affinity(
    table: TaskTable,
    fit: Fit,
    model: NetworkSettings | TrunkSettings,
    *,
    every: int = 10,
    mode: Mode = "paper",
    heads_step: HeadsStep = "fixed",
) -> AffinityRecord:
    """The affinities and gradient cosines of all pairs of members, recorded along one fit.

    A task's loss is the mean over its labels in the batch, and the step of a lookahead has the
    learning rate of the epoch. The fit is that of the torch engine on a CPU, to the bit, with the
    sum of the tasks' gradients whatever `model.combination` is.

    The fit has at least two members, commonly all tasks. `every`, `mode` and `heads_step` are as
    for `AffinityRecorder`; the engines' optimiser has no momentum to keep.

    Raises
    ------
    ValueError
        If the fit has one member, or `every` is below 1.
    FitError
        If the fit cannot be trained.
    """
    if len(fit.members) < 2:
        why = "one task alone has no affinity to measure"
        raise ValueError(f"fit must have at least two members, got {fit.members}; {why}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    start = time.thread_time()
    watched = WatchedFit.of(table, fit, model)
    kind = _NetworkRecording if isinstance(model, NetworkSettings) else _ModuleRecording
    recording = kind(watched, every, mode, heads_step)
    watched.train(recording.look)
    history = recording.history
    total = time.thread_time() - start
    return AffinityRecord(
        tasks=watched.problem.members,
        affinity=history.affinity_,
        cosine=history.cosine_,
        counts=history.counts_,
        undefined=history.undefined_,
        history=history.history_.astype(np.float32),
        steps=every * np.arange(len(recording.epochs)),
        epochs=np.array(recording.epochs, dtype=np.int64),
        flops=recording.flops,
        record_flops=recording.record_flops,
        seconds=total - recording.seconds,
        record_seconds=recording.seconds,
    )


class _Recording(ABC):
    """What looks at each batch of a fit, and records every so manieth."""

    history: History

    def __init__(self, every: int) -> None:
        self._every = every
        self._n_steps = 0
        self.epochs: list[int] = []
        self.flops = 0
        self.record_flops = 0
        self.seconds = 0.0

    def look(self, batch: BatchView) -> None:
        start = time.thread_time()
        self.flops += self._operations(batch)
        if self._n_steps % self._every == 0:
            self.record_flops += self._record(batch)
            self.epochs.append(batch.epoch)
        self._n_steps += 1
        self.seconds += time.thread_time() - start

    @abstractmethod
    def _operations(self, batch: BatchView) -> int:
        """Those of training on the batch."""

    @abstractmethod
    def _record(self, batch: BatchView) -> int:
        """Record the batch; returns the operations of that."""


class _NetworkRecording(_Recording):
    """By the closed form."""

    def __init__(self, fit: WatchedFit, every: int, mode: Mode, heads_step: HeadsStep) -> None:
        super().__init__(every)
        self._mode, self._heads_step = mode, heads_step
        self._members = np.eye(fit.problem.members.size, dtype=bool)
        self.history = History()

    def _operations(self, batch: BatchView) -> int:
        n_rows, n_entries = batch.examples.size, batch.features.nnz
        return pass_operations(n_rows, n_entries, batch.fit.hidden, batch.task_counts.size)

    def _record(self, batch: BatchView) -> int:
        lr = batch.learning_rate
        head_lr = lr if self._heads_step == "stepped" else 0.0
        lookahead = NetworkLookahead(*network_of(batch.fit), _labelled(batch), head_lr)
        self.history.add_record(
            self._n_steps,
            lookahead.losses(),
            lookahead.losses_after(lr),
            lookahead.gram(),
            self._members,
            divisor=lr if self._mode == "released" else 1.0,
        )
        return record_operations(batch.features, batch.fit.hidden, batch.task_counts)


class _ModuleRecording(_Recording):
    """By PyTorch, lookahead by lookahead: of somebody's own trunk no closed form is known.

    Counting operations is slow, so those of the first batch stand for all, by rows.
    """

    def __init__(self, fit: WatchedFit, every: int, mode: Mode, heads_step: HeadsStep) -> None:
        super().__init__(every)
        self._module = FitModule(fit)
        self._recorder = AffinityRecorder(
            self._module,
            self._module.mean_losses,
            self._module.shared,
            optimizer=self._module.optimizer,
            every=1,
            mode=mode,
            heads_step=heads_step,
            chunk_size=1,
        )
        self.history = self._recorder
        self._of_a_row: dict[str, float] = {}

    def _operations(self, batch: BatchView) -> int:
        return self._counted("training", batch, lambda: self._module.train_on_copies(batch))

    def _record(self, batch: BatchView) -> int:
        self._module.step_like(batch)
        if "record" in self._of_a_row:
            self._recorder.step(batch)
        return self._counted("record", batch, lambda: self._recorder.step(batch))

    def _counted(self, what: str, batch: BatchView, run: Callable[[], object]) -> int:
        if what not in self._of_a_row:
            with FlopCounterMode(display=False) as counter:
                run()
            self._of_a_row[what] = counter.get_total_flops() / batch.examples.size
        return round(self._of_a_row[what] * batch.examples.size)


def network_of(fit: WatchedFit) -> tuple[list[Layer], Layer]:
    """The hidden layers and the heads as arrays, which change as the fit trains."""
    array = {name: value[0].numpy() for name, value in fit.parameters.items()}
    depths = range(len(fit.hidden))
    hidden = [(array[f"weight{depth}"], array[f"bias{depth}"][0]) for depth in depths]
    return hidden, (array["head_weight"], array["head_bias"][0])


def _labelled(batch: BatchView) -> LabelledBatch:
    """The batch with its labels sorted by task."""
    train = batch.fit.problem.train
    label, row = batch.labels()
    order = np.argsort(train.member[label], kind="stable")
    label, row = label[order], row[order]
    first = batch.first_sums()
    products = (batch.features @ batch.features.T).toarray()
    return LabelledBatch(
        first=first,
        products=products.astype(first.dtype, copy=False),
        keep=batch.keep(),
        row=row,
        task=train.member[label].astype(np.int64),
        target=batch.fit.problem.targets(train)[label],
        is_binary=batch.fit.problem.is_binary,
    )


def record_operations(features: csr_array, hidden: list[int], counts: np.ndarray) -> int:
    """Operations of one record of all pairs: of the batch's features, (B, D), and the units of the
    hidden layers, with so many labels of each task, (K,).
    """
    n_rows, n_labels, n_sources = features.shape[0], int(counts.sum()), np.count_nonzero(counts)
    per_feature = np.bincount(features.indices)
    products = features.nnz * hidden[0] + int(per_feature @ per_feature)
    shifts = n_rows * n_labels * hidden[0]
    outputs = n_rows * hidden[-1] * counts.size + (n_sources + 1) * n_labels * hidden[-1]
    gram = (n_rows + n_sources) * n_labels * sum(hidden)
    for below, units in pairwise(hidden):
        products += (n_rows * (n_sources + 1) + n_labels) * below * units
        shifts += n_rows * n_labels * (below + units)
        gram += n_rows**2 * below
    return 2 * (products + shifts + outputs + gram)
