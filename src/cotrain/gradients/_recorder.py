import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cotrain.gradients._lookahead import Lookahead
from cotrain.means import mean_known

Mode = Literal["paper", "released"]
HeadsStep = Literal["fixed", "stepped"]


class History:
    """The records of a fit, and what is averaged over them.

    Attributes
    ----------
    affinity_ : ndarray, (K, S)
        Mean over the records of `[recipient, source]`; NaN where the pair was never seen, and for a
        task as its own source, which means nothing (2109.04617, appendix B.4).
    counts_ : ndarray of int64, (K, S)
        Number of records in each mean.
    undefined_ : ndarray of int64, (K, S)
        Number of records where both had labels but the ratio was undefined.
    cosine_ : ndarray, (K, K)
        Mean cosine between the tasks' gradients by the shared weights (matrices, not biases).
    history_ : ndarray, (n_records, K, S)
        The affinity of each record, NaN where missing.
    steps_ : ndarray of int64, (n_records,)
        The training step of each record, counted from 0.
    """

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._affinities: list[np.ndarray] = []
        self._cosines: list[np.ndarray] = []
        self._undefined: list[np.ndarray] = []

    def add_record(
        self,
        step: int,
        before: np.ndarray,
        after: np.ndarray,
        gram: np.ndarray,
        members: np.ndarray,
        divisor: float = 1.0,
    ) -> None:
        """Add the record of one step.

        Of losses `before`, (K,), NaN for tasks without labels, and `after` the step of each source,
        (S, K); `gram`, (K, K), the inner products of the tasks' gradients by the shared weights,
        zero without labels; and the `members` of each source, bool (S, K).
        """
        labelled = ~np.isnan(before)
        could_be = labelled[:, None] & (members & labelled).any(axis=1)
        alone = members.sum(axis=1, keepdims=True) == 1  # a source that is the recipient itself
        could_be &= ~(members & alone).T
        affinity = np.where(could_be, transference(before, after).T, np.nan)
        undefined = could_be & np.isnan(affinity)
        if undefined.any() and not np.any(self._undefined):
            warnings.warn(
                f"{undefined.sum()} affinities of this batch are undefined, for a loss is not "
                "positive or not finite, and are missing from the mean; they are counted from here "
                "on in silence",
                UserWarning,
                stacklevel=4,
            )
        self._undefined.append(undefined)
        self._steps.append(step)
        self._affinities.append(affinity / divisor)
        self._cosines.append(cosines(gram))

    @property
    def steps_(self) -> np.ndarray:
        return np.array(self._steps, dtype=np.int64)

    @property
    def history_(self) -> np.ndarray:
        return _stacked(self._affinities)

    @property
    def affinity_(self) -> np.ndarray:
        return mean_known(self.history_)

    @property
    def cosine_(self) -> np.ndarray:
        return mean_known(_stacked(self._cosines))

    @property
    def counts_(self) -> np.ndarray:
        return (~np.isnan(self.history_)).sum(axis=0)

    @property
    def undefined_(self) -> np.ndarray:
        return _stacked(self._undefined).sum(axis=0)


def _stacked(records: list[np.ndarray]) -> np.ndarray:
    if not records:
        raise ValueError("nothing is recorded yet; call `step` with each batch first")
    return np.stack(records)


def transference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share of each task's loss that a lookahead takes away, float64 (S, K).

    Z = 1 − L_after / L_before (arXiv 2010.15413 and 2109.04617, the definition of Z), of losses
    before, (K,), and after the step of each source, (S, K). NaN where a task has no labels, or
    where the ratio is undefined: a loss before that is not positive, or a loss that is not finite.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    is_defined = (before > 0) & np.isfinite(before) & np.isfinite(after)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(is_defined, 1 - after / before, np.nan)


def cosines(gram: np.ndarray) -> np.ndarray:
    """Cosines between vectors of inner products `gram` (K, K); NaN for vectors of length zero."""
    lengths = np.sqrt(np.diagonal(gram))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = gram / (lengths[:, None] * lengths)
    return np.where(np.isfinite(cosine), np.clip(cosine, -1, 1), np.nan)


class AffinityRecorder(History):
    """Task affinities recorded while a model trains, and otherwise no trace of the recording.

    Every `every` steps, and for each source, the shared parameters take one trial step of plain
    gradient descent on the source's loss, and each task's loss on the same batch is compared with
    its loss before: Z = 1 − L_after / L_before (arXiv 2010.15413; 2109.04617, section 3). Weights,
    optimiser state, BatchNorm statistics and torch's random streams are as if nothing had been
    recorded.

    Parameters
    ----------
    model, losses, shared, chunk_size
        As for `Lookahead`; `masked_mean` makes losses of labels with gaps.
    lr : float, optional
        Learning rate of the lookahead. By default that of `optimizer` at the time.
    optimizer : torch.optim.Optimizer, optional
        The optimiser of the fit; read, never changed.
    every : int
        Record at every so manieth step, the first included; 10 is the paper's efficient option.
    mode : {"paper", "released"}
        `paper`: as above. `released`: as the code released with arXiv 2109.04617, where the
        lookahead keeps the optimiser's momentum and Z is divided by the learning rate; only its
        ranking means something, not its sign. An optimiser without momentum keeps none.
    heads_step : {"fixed", "stepped"}
        `fixed` (2109.04617): heads stay. `stepped` (2010.15413): all heads first take a gradient
        step of their own, and both losses are those with the stepped heads.
    sources : sequence of sets of int, optional
        Sets of tasks whose summed loss makes a step. By default each task is a source. Members
        without labels in a batch add nothing to the step.

    What is recorded are the attributes of `History`.
    """

    def __init__(
        self,
        model: nn.Module,
        losses: Callable[[Any], Tensor],
        shared: Iterable[nn.Parameter],
        *,
        lr: float | None = None,
        optimizer: Optimizer | None = None,
        every: int = 10,
        mode: Mode = "paper",
        heads_step: HeadsStep = "fixed",
        sources: Sequence[Iterable[int]] | None = None,
        chunk_size: int | None = None,
    ) -> None:
        check_choice("mode", mode, get_args(Mode))
        check_choice("heads_step", heads_step, get_args(HeadsStep))
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        if lr is None and optimizer is None:
            raise ValueError("lr must be given, or an optimizer to read it from, got neither")
        if lr is not None and not lr > 0:
            raise ValueError(f"lr must be positive, got {lr}")
        if mode == "released" and optimizer is None:
            raise ValueError(
                "optimizer must be given with mode='released', which keeps its momentum, got None"
            )
        super().__init__()
        self._lookahead = Lookahead(model, losses, shared, chunk_size)
        self._lr, self._optimizer, self._every = lr, optimizer, every
        self._mode, self._heads_step = mode, heads_step
        self._sources = None if sources is None else [frozenset(source) for source in sources]
        self._n_steps = 0

    def step(self, batch: Any) -> Self:
        """Record the affinities on `batch` if it is time to; call it before the optimiser's step.

        ValueError if `losses` returns no tensor of at least two losses or NaN for all, or a source
        names a task that there is not.
        """
        if self._n_steps % self._every == 0:
            self._record(batch)
        self._n_steps += 1
        return self

    def _record(self, batch: Any) -> None:
        gradients = self._lookahead.gradients(batch)
        members = self._members(len(gradients.losses)).to(gradients.jacobian)
        lr = self._learning_rate()
        # Rows of tasks without labels are zero, so they add nothing to a set's step.
        directions = members @ gradients.jacobian + self._momentum()
        head_steps, before = {}, gradients.losses
        if self._heads_step == "stepped" and gradients.heads:
            head_steps = {name: -lr * gradient for name, gradient in gradients.heads.items()}
            stay = torch.zeros_like(directions[:1])
            before = self._lookahead.losses_after(batch, stay, head_steps)[0]
        after = self._lookahead.losses_after(batch, -lr * directions, head_steps)

        weights = gradients.jacobian[:, self._lookahead.is_matrix]
        self.add_record(
            self._n_steps,
            _array(before),
            _array(after),
            _array(weights @ weights.T),
            _array(members) > 0,
            divisor=lr if self._mode == "released" else 1.0,
        )

    def _members(self, n_tasks: int) -> Tensor:
        """Which tasks each source holds, 0/1 (S, K)."""
        if self._sources is None:
            return torch.eye(n_tasks)
        members = torch.zeros(len(self._sources), n_tasks)
        for row, source in zip(members, self._sources, strict=True):
            if not source or min(source) < 0 or max(source) >= n_tasks:
                raise ValueError(
                    f"sources must be sets of tasks in 0 .. {n_tasks - 1}, got {sorted(source)}"
                )
            row[sorted(source)] = 1
        return members

    def _learning_rate(self) -> float:
        if self._lr is not None:
            return self._lr
        assert self._optimizer is not None
        rates = {group["lr"] for group, _ in self._groups()}
        if len(rates) != 1:
            raise ValueError(
                f"optimizer must have one learning rate for all shared parameters, got "
                f"{sorted(rates)}; give lr"
            )
        return float(rates.pop())

    def _momentum(self) -> Tensor | float:
        """What the optimiser's momentum adds to a direction, (P,)."""
        if self._mode == "paper":
            return 0.0
        assert self._optimizer is not None
        parts = []
        for group, parameter in self._groups():
            buffer = self._optimizer.state.get(parameter, {}).get("momentum_buffer")
            part = torch.zeros_like(parameter) if buffer is None else group["momentum"] * buffer
            parts.append(part.flatten())
        return torch.cat(parts)

    def _groups(self) -> list[tuple[dict[str, Any], nn.Parameter]]:
        """The optimiser's settings for each shared parameter."""
        assert self._optimizer is not None
        group_of = {id(p): group for group in self._optimizer.param_groups for p in group["params"]}
        if not all(id(parameter) in group_of for parameter in self._lookahead.shared):
            raise ValueError("optimizer must hold all shared parameters, got one that does not")
        return [(group_of[id(p)], p) for p in self._lookahead.shared]


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
