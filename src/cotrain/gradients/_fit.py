import time

import numpy as np

from cotrain.allocation import Fit
from cotrain.gradients import _flops
from cotrain.gradients._history import History
from cotrain.gradients._network import NetworkLookahead
from cotrain.gradients._record import AffinityRecord
from cotrain.gradients._recorder import HeadsStep, Mode
from cotrain.gradients._watch import labelled, network_of
from cotrain.tasks import TaskTable
from cotrain.training.network import NetworkSettings, pass_operations
from cotrain.training.network.watching import BatchView, WatchedFit


def record_affinity(
    table: TaskTable,
    fit: Fit,
    model: NetworkSettings,
    *,
    every: int = 10,
    mode: Mode = "paper",
    heads_step: HeadsStep = "fixed",
) -> AffinityRecord:
    """The affinities and gradient cosines of all pairs of members, recorded along one fit.

    A task's loss is the mean over its labels in the batch, and the step of a lookahead has the
    learning rate of the epoch. The fit is that of the torch engine, to the bit, with the sum of the
    tasks' gradients whatever `model.combination` is.

    Parameters
    ----------
    table : TaskTable
        The data.
    fit : Fit
        What is trained, with at least two members: commonly all tasks together.
    model : NetworkSettings
        The network and its training.
    every, mode, heads_step
        As for `AffinityRecorder`; the engines' optimiser has no momentum to keep.

    Raises
    ------
    ValueError
        If the fit has one member, or `every` is below 1.
    FitError
        If the fit cannot be trained.
    """
    if len(fit.members) < 2:
        raise ValueError(
            f"fit must have at least two members, got {fit.members}; one task alone has no "
            "affinity to measure"
        )
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    start = time.thread_time()
    watched = WatchedFit.of(table, fit, model)
    recording = _Recording(watched.problem.members.size, every, mode, heads_step)
    watched.train(recording.look)
    history = recording.history
    total = time.thread_time() - start
    return AffinityRecord(
        tasks=watched.problem.members,
        affinity=history.affinity,
        cosine=history.cosine,
        counts=history.counts,
        undefined=history.undefined,
        history=history.affinities.astype(np.float32),
        cosine_history=history.cosines.astype(np.float32),
        steps=history.steps,
        epochs=np.array(recording.epochs, dtype=np.int64),
        flops=recording.flops,
        record_flops=recording.record_flops,
        seconds=total - recording.seconds,
        record_seconds=recording.seconds,
    )


class _Recording:
    """What looks at each batch of a fit of K members."""

    def __init__(self, n_members: int, every: int, mode: Mode, heads_step: HeadsStep) -> None:
        self._every = every
        self._mode = mode
        self._heads_step = heads_step
        self._members = np.eye(n_members, dtype=bool)
        self._n_steps = 0
        self.history = History()
        self.epochs: list[int] = []
        self.flops = 0
        self.record_flops = 0
        self.seconds = 0.0

    def look(self, batch: BatchView) -> None:
        start = time.thread_time()
        hidden, counts = batch.fit.model.hidden, batch.task_counts
        self.flops += pass_operations(batch.examples.size, batch.features.nnz, hidden, counts.size)
        if self._n_steps % self._every == 0:
            self._record(batch)
            self.record_flops += _flops.record(batch.features, hidden, counts)
        self._n_steps += 1
        self.seconds += time.thread_time() - start

    def _record(self, batch: BatchView) -> None:
        lr = batch.learning_rate
        head_lr = lr if self._heads_step == "stepped" else 0.0
        lookahead = NetworkLookahead(network_of(batch.fit), labelled(batch), head_lr)
        self.history.add(
            self._n_steps,
            lookahead.losses(),
            lookahead.losses_after(lr),
            lookahead.gram(),
            self._members,
            divisor=lr if self._mode == "released" else 1.0,
        )
        self.epochs.append(batch.epoch)
