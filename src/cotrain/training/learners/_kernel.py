"""Kernel ridge regression, or a Gaussian process's mean, of all members at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field
from scipy.sparse import issparse
from scipy.special import expit

from cotrain.allocation import Fit
from cotrain.exceptions import FitError
from cotrain.imports import importing
from cotrain.settings import Section, within
from cotrain.tasks import Features, TaskTable
from cotrain.training._arrays import put_under, taken_from
from cotrain.training._learner import NEVER, Capabilities, Learner, Trained
from cotrain.training._problem import Problem
from cotrain.training._threads import one_thread
from cotrain.training.learners._kernel_solve import Coupled, solve
from cotrain.training.learners._per_task import member_sizes
from cotrain.training.learners._similarity import CHUNK, KernelName, Similarity

_N_INNER = 3


class KernelSettings(Section):
    """Examples alike in their features have labels alike, and so have tasks by their `share`.

    `share` is the covariance of two tasks, and `noise` the variance of a label's noise where the
    labels' is 1; null: whichever predicts held-out training examples best. With `share: 0` tasks
    are solved apart, and never are all examples compared with each other: for large tables.
    """

    kind: Literal["kernel"] = "kernel"
    kernel: KernelName = "auto"
    length_scale: Annotated[float, Field(gt=0), within(0, 1e6, "all examples would be alike")] = 0.7
    share: Annotated[float, Field(ge=0, lt=1)] | None = None
    noise: Annotated[float, Field(gt=0), within(0, 1e6, "nothing would be learnt")] | None = None
    max_examples: Annotated[int, within(1, 100_000, "memory grows with the square")] = 20_000


_SHARES, _NOISES = (0.0, 0.1, 0.3), (0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, eq=False)
class TrainedKernel(Trained):
    """A weighted sum of similarities to the examples trained on, one column of weights a member.

    An output is the sum times `scale` plus `shift`, which is NaN for members without labels.
    """

    file = "kernel.safetensors"
    of_members = (*Trained.of_members, "limit")

    # (n_members,) of float64: what logits are clipped to on either side; infinite for values
    limit: np.ndarray
    similarity: Similarity
    weight: np.ndarray  # (n, n_members) of float32

    def outputs(self, features: Features) -> np.ndarray:
        size = max(1, CHUNK // self.weight.shape[0])
        parts = [np.empty((0, self.tasks.size))]
        with one_thread():
            parts += [
                self.similarity(features[at : at + size]) @ self.weight
                for at in range(0, features.shape[0], size)
            ]
        output = np.concatenate(parts) * self.scale + self.shift
        return np.asarray(np.clip(output, -self.limit, self.limit))

    def outputs_at(self, features: Features, row: np.ndarray, member: np.ndarray) -> np.ndarray:
        used = [np.flatnonzero(own) for own in self.weight.T]
        wanted = [np.flatnonzero(member == place) for place in range(self.tasks.size)]
        apart = sum(u.size * w.size for u, w in zip(used, wanted, strict=True))
        if apart >= features.shape[0] * self.similarity.n:
            return super().outputs_at(features, row, member)
        result = np.empty(row.size)
        for place, (own, labels) in enumerate(zip(used, wanted, strict=True)):
            weight = self.weight[own, place]
            with one_thread():
                total = self.similarity.part(own)(features[row[labels]]) @ weight
            output = total * self.scale[place] + self.shift[place]
            result[labels] = np.clip(output, -self.limit[place], self.limit[place])
        return result

    def arrays(self) -> dict[str, np.ndarray]:
        similarity = put_under("similarity", self.similarity.arrays())
        return self.facts() | similarity | {"weight": self.weight}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        similarity = Similarity.from_arrays(taken_from("similarity", arrays))
        found = cls(similarity=similarity, weight=arrays["weight"], **cls.facts_in(arrays))
        if found.weight.shape != (similarity.n, found.tasks.size):
            raise ValueError("its parts do not fit together")
        return found


class Kernel(Learner):
    """Ridge regression with a kernel of examples times a covariance of tasks; without chance.

    Labels are standardised within each task. Classes become logits by one calibration of all
    binary members, on training examples held out in turn.
    """

    Settings = KernelSettings
    trained = TrainedKernel
    capabilities = Capabilities(multi_task=True, seeded=False)
    settings: KernelSettings

    def fit(self, table: TaskTable, fit: Fit, stop: np.ndarray = NEVER) -> TrainedKernel:
        problem, settings = Problem.of(table, fit), self.settings
        train, apart = problem.train, self.settings.share == 0
        n = int(problem.n_labels.max()) if apart else train.rows.size
        if n > settings.max_examples:
            raise FitError(
                f"the kernel learner trains on at most {settings.max_examples} examples, and this "
                f"fit has {n}; raise `max_examples` if there are {n**2 / 2.5e8:.0f} GB of memory, "
                f"{'' if apart else 'or set `share: 0`, '}or take another learner"
            )
        labels = _Standard.of(problem)
        with one_thread():
            try:
                features = table.features[train.rows]
                similarity = Similarity.of(features, settings.kernel, settings.length_scale)
            except ValueError as error:
                raise FitError(f"kernel {settings.kernel}: {error}") from error
            n_members = problem.members.size
            covariance = Coupled.of(similarity, features, train.row, train.member, n_members, apart)
            group = _inner(table, train.rows)
            share, noise, held_out = self._choose(covariance, labels, group, stop)
            noises, shares = np.array([[noise], [share]], dtype=np.float32)
            every = np.ones((labels.target.size, 1), dtype=bool)
            found = solve(covariance, labels.target, labels.weight, noises, shares, every, stop)
            solution = found[:, 0, 0]
            weight = np.zeros((train.rows.size, n_members), dtype=np.float32)
            weight[train.row, train.member] = solution
            weight = (1 - share) * weight + share * weight.sum(axis=1, keepdims=True)
            return _trained(problem, labels, similarity, weight, held_out)

    def cost(self, table: TaskTable, fits: Sequence[Fit]) -> np.ndarray:
        n = member_sizes(table, fits)
        rows = np.bincount(table.folds, minlength=table.n_folds)
        n_rows = np.array([rows[list(fit.allocation.folds)].sum() for fit in fits])
        whole = np.minimum(n_rows, n.sum(axis=1)) ** 2.0
        blocks = (n.astype(np.float64) ** 2).sum(axis=1)
        # As `Coupled` has it: the blocks of tasks, or all examples for each of them.
        by_task = blocks if self.settings.share == 0 else whole + blocks
        products = np.where(blocks > whole, whole * (n > 0).sum(axis=1), by_task)
        # Conjugate gradients take 470 steps where few columns measure all there is, 150 elsewhere.
        each = 1e-7 if issparse(table.features) else 3e-7
        return np.asarray(0.02 + each * products)

    def _choose(
        self, covariance: Coupled, labels: "_Standard", group: np.ndarray, stop: np.ndarray
    ) -> tuple[float, float, np.ndarray]:
        """The share, the noise, and what they predict for labels whose examples are held out.

        The noise is chosen at a share between, and then the share at that noise.
        """
        share, noise = self.settings.share, self.settings.noise
        if covariance.n_members == 1:
            share = 0.0
        noises = _NOISES if noise is None else (noise,)
        between = _SHARES[1] if share is None else share
        predicted, error = _held_out(covariance, labels, group, (between,), noises, stop)
        best = int(np.argmin(error))
        chosen = noises[best]
        if share is None:
            others = tuple(each for each in _SHARES if each != between)
            more, further = _held_out(covariance, labels, group, others, (chosen,), stop)
            other = int(np.argmin(further))
            if further[other] < error[best]:
                return others[other], chosen, more[:, other]
        return between, chosen, predicted[:, best]


@dataclass(frozen=True, eq=False)
class _Standard:
    """Labels with mean 0 and standard deviation 1 within each task."""

    # (n_labels,) of float32
    target: np.ndarray
    weight: np.ndarray
    # (n_members,) of float64: what a unit of the target is worth: in binary members the standard
    # deviation of the class
    spread: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> Self:
        train, share = problem.train, expit(problem.base_logits())
        spread = np.where(problem.is_binary, np.sqrt(share * (1 - share)), 1.0)
        centre = np.where(problem.is_binary, share, 0.0)
        target = (problem.targets(train) - centre[train.member]) / spread[train.member]
        weight = train.weight / train.weight.mean()
        return cls(target.astype(np.float32), weight.astype(np.float32), spread)


def _held_out(
    covariance: Coupled,
    labels: _Standard,
    group: np.ndarray,
    shares: Sequence[float],
    noises: Sequence[float],
    stop: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What each share with each noise predicts for labels held out, (n_labels, n), and its errors.

    Of n = shares times noises, the noise goes on first.
    """
    n_groups, n_noises = int(group.max()) + 1, len(noises)
    share = np.repeat(np.array(shares, dtype=np.float32), n_groups)
    held = group[covariance.row][:, None] == np.tile(np.arange(n_groups), len(shares))
    noise = np.array(noises, dtype=np.float32)
    solution = solve(covariance, labels.target, labels.weight, noise, share, ~held, stop)
    product = covariance.times(solution.reshape(len(held), -1), np.repeat(share, n_noises))
    every = np.where(held[:, :, None], product.reshape(solution.shape), 0)
    predicted = every.reshape(-1, len(shares), n_groups, n_noises).sum(axis=2)
    predicted = predicted.reshape(len(held), -1)
    return predicted, labels.weight @ (predicted - labels.target[:, None]) ** 2


def _inner(table: TaskTable, rows: np.ndarray) -> np.ndarray:
    """The group of each example, held out together: whole folds if there are three, else random."""
    folds, place = np.unique(table.folds[rows], return_inverse=True)
    if folds.size >= 3:
        return np.asarray(place % _N_INNER)
    rng = np.random.default_rng(0)
    return rng.permutation(np.arange(rows.size) % min(_N_INNER, rows.size))


def _trained(
    problem: Problem,
    labels: _Standard,
    similarity: Similarity,
    weight: np.ndarray,
    held_out: np.ndarray,
) -> TrainedKernel:
    base, is_binary = problem.base_logits(), problem.is_binary
    # To first order a class's logit moves by its probability's change over the variance.
    gain = 1 / labels.spread
    own, level = _calibrate(problem, base, gain, held_out)
    known = problem.n_labels > 0
    shift = np.where(is_binary, level * base, problem.shift)
    return TrainedKernel(
        tasks=problem.members,
        is_binary=is_binary,
        shift=np.where(known, shift, np.nan),
        scale=np.where(is_binary, own * gain, problem.scale),
        limit=np.where(is_binary, problem.logit_limits(), np.inf),
        similarity=similarity,
        weight=weight,
    )


def _calibrate(
    problem: Problem, base: np.ndarray, gain: np.ndarray, held_out: np.ndarray
) -> tuple[float, float]:
    """The factors of the held-out predictions and of the base rates in the logit, both near 1."""
    with importing():  # half a second, which only a kernel's fit needs
        from scipy.optimize import minimize

    member = problem.train.member
    at = problem.is_binary[member]
    truth, member = problem.train.truth[at].astype(np.float64), member[at]
    parts = np.stack([gain[member] * held_out[at], base[member]])

    def loss(factors: np.ndarray) -> tuple[float, np.ndarray]:
        logit = factors @ parts
        value = (np.logaddexp(0, logit) - truth * logit).sum() + ((factors - 1) ** 2).sum() / 2
        return value, parts @ (expit(logit) - truth) + factors - 1

    own, level = minimize(loss, np.ones(2), jac=True, method="BFGS").x
    return float(own), float(level)
