import numpy as np
from numpy.typing import ArrayLike

from cotrain.arrays import Array, Bools
from cotrain.surrogates._relevance import Relevance, relevance
from cotrain.surrogates._scores import check_design
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates

# A step has to gain by more than rounding.
STEP = 1 + 1e-9
# Random starts for each choice.
N_STARTS = 3
# Members that are tried in exchange for another task, those that are missed least.
N_EXCHANGED = 3


def next_subsets(
    X: ArrayLike,
    Y: ArrayLike,
    n_subsets: int,
    *,
    min_size: int,
    max_size: int,
    fdr: float = 0.05,
    random_state: int = 0,
) -> Bools:
    """The subsets that are expected to tell most about what is still undecided.

    For a linear model the uncertainty after a subset is known before its scores are. Each next
    subset is the one that takes off most of the variances of the undecided effects, each as a share
    of what it is (sequential Bayesian A-optimality with weights; Chaloner and Verdinelli 1995,
    section 2): what is decided no longer counts. It is found by adding, removing and exchanging
    tasks from random starts. One fit scores all its members, so all targets in a subset count.

    Parameters
    ----------
    X, Y : arrays
        As of `relevance`, of the subsets so far. New ones are taken to have as many repeats.
    n_subsets : int
        How many to choose: one round.
    min_size, max_size : int
        Bounds of their sizes.
    fdr : float
        False discovery rate of the verdicts.
    random_state : int
        Seed of the random starts of each choice.

    Returns
    -------
    ndarray of bool, shape (n_subsets, n_tasks)
        In the order of choice, the most telling first; without rows if nothing is undecided.

    Raises
    ------
    ValueError
        If the sizes do not fit the tasks, or X and Y do not serve `relevance`.
    """
    X, _, counts = check_design(X, Y)
    n_tasks = X.shape[1]
    if not 1 <= min_size <= max_size <= n_tasks:
        raise ValueError(
            f"sizes must obey 1 <= min_size <= max_size <= {n_tasks} tasks, "
            f"got {min_size} and {max_size}"
        )
    if n_subsets < 1:
        raise ValueError(f"n_subsets must be at least 1, got {n_subsets}")
    repeats = float(np.median(counts[counts > 0]))
    sizes = range(min_size, max_size + 1)
    state = _State(fit_surrogates(X, Y), relevance(X, Y, fdr=fdr), repeats, sizes)
    rng = np.random.default_rng(random_state)
    taken = {row.tobytes() for row in X.astype(bool)}
    chosen: list[Bools] = []
    while state.n_undecided and len(chosen) < n_subsets:
        starts = (_random_subset(n_tasks, sizes, rng) for _ in range(N_STARTS))
        found = [_climb(state, start) for start in starts]
        new = [pair for best, _ in found for pair in _new(state, best, taken)]
        if not new:
            break
        best = max(new, key=lambda pair: pair[1])[0]
        state.add(best)
        taken.add(best.tobytes())
        chosen.append(best)
    return np.array(chosen, dtype=bool).reshape(-1, n_tasks)


class _State:
    """What is known of every target's effects, and what it is worth to know more.

    Arrays are over targets first, then over what has an uncertain value: the target's level, and
    the effect of each source. Subsets are of the `sizes`.
    """

    def __init__(
        self, models: TargetSurrogates, known: Relevance, repeats: float, sizes: range
    ) -> None:
        n_tasks, self.sizes = len(models.estimators), sizes
        self.origin = np.zeros((n_tasks, n_tasks))
        self.covariance = np.zeros((n_tasks, n_tasks + 1, n_tasks + 1))
        self.noise = np.zeros(n_tasks)
        fitted = np.array([model is not None for model in models.estimators])
        for target in np.flatnonzero(fitted):
            model = models.estimators[target]
            # At the mean subset the level and the effects are independent.
            self.origin[target] = model.mean_
            self.covariance[target, 0, 0] = model.noise_ / model.weight_sum_
            self.covariance[target, 1:, 1:] = model.squares()[0]
            self.noise[target] = model.noise_ / repeats
        # A target that has too few scores yet is taken for as uncertain as the others are.
        variance = np.einsum("tii->ti", self.covariance)[fitted].mean(axis=0)
        self.covariance[~fitted] = np.diag(variance)
        self.noise[~fitted] = self.noise[fitted].mean()
        undecided = np.isin(known.verdict, ("undecided", "unknown"))
        self.n_undecided = int(undecided.sum())
        variance = np.einsum("tii->ti", self.covariance)[:, 1:]
        self.worth = np.zeros((n_tasks, n_tasks + 1))
        self.worth[:, 1:][undecided] = 1 / variance[undecided]
        self._spread = np.einsum("tij,tj->ti", self.covariance**2, self.worth)

    def gains(self, subset: Bools) -> tuple[float, Array]:
        """What the subset tells, and what it would with each task added or removed, (n_tasks,).

        With told = C step, the score's variance v = step'told + noise and weights w, a target tells
        sum(w told²) / v. A change of the step by ±e_j changes told by ± the j-th column of C.
        """
        step, told = self._look(subset)
        variance = np.einsum("ti,ti->t", step, told) + self.noise
        value = np.einsum("ti,ti->t", told**2, self.worth)
        own = value / variance
        sign = np.where(subset, -1.0, 1.0)
        shift = np.matmul(self.covariance, (self.worth * told)[:, :, None])[:, 1:, 0]
        value = value[:, None] + 2 * sign * shift + self._spread[:, 1:]
        diagonal = np.einsum("tii->ti", self.covariance)[:, 1:]
        changed = value / (variance[:, None] + 2 * sign * told[:, 1:] + diagonal)
        np.fill_diagonal(changed, 0.0)  # without the target there is no score of it
        return float(own[subset].sum()), changed[subset].sum(axis=0) + np.where(subset, 0.0, own)

    def add(self, subset: Bools) -> None:
        """The state after the subset is measured; its scores do not matter for the variance."""
        step, told = self._look(subset)
        for target in np.flatnonzero(subset):
            variance = step[target] @ told[target] + self.noise[target]
            self.covariance[target] -= np.outer(told[target], told[target]) / variance
            self._spread[target] = self.covariance[target] ** 2 @ self.worth[target]

    def allowed(self, subset: Bools) -> Bools:
        """The tasks that may be added or removed."""
        return np.where(subset, subset.sum() > self.sizes[0], subset.sum() < self.sizes[-1])

    def _look(self, subset: Bools) -> tuple[Array, Array]:
        """The step from the origin to the subset with each target in it, and C step."""
        n_tasks = len(subset)
        step = np.ones((n_tasks, n_tasks + 1))
        step[:, 1:] = (subset | np.eye(n_tasks, dtype=bool)) - self.origin
        return step, np.matmul(self.covariance, step[:, :, None])[:, :, 0]


def _random_subset(n_tasks: int, sizes: range, rng: np.random.Generator) -> Bools:
    members = rng.choice(n_tasks, rng.integers(sizes.start, sizes.stop), replace=False)
    return np.isin(np.arange(n_tasks), members)


def _climb(state: _State, subset: Bools) -> tuple[Bools, float]:
    """The best subset in reach by steps of one task, or two exchanged; and what it tells."""
    value, changed = state.gains(subset)
    while True:
        allowed = state.allowed(subset)
        task = int(np.argmax(np.where(allowed, changed, -np.inf)))
        if allowed[task] and changed[task] > value * STEP:
            subset = _flipped(subset, task)
        else:
            better = _exchange(state, subset, value, changed)
            if better is None:
                return subset, value
            subset = better
        value, changed = state.gains(subset)


def _exchange(state: _State, subset: Bools, value: float, changed: Array) -> Bools | None:
    """The best subset with one member in exchange for another task; None if none is better."""
    best = None
    members = np.flatnonzero(subset)
    for member in members[np.argsort(-changed[members], kind="stable")[:N_EXCHANGED]]:
        left = _flipped(subset, member)
        gains = np.where(subset, -np.inf, state.gains(left)[1])
        task = int(np.argmax(gains))
        if gains[task] > value * STEP:
            best, value = _flipped(left, task), gains[task]
    return best


def _new(state: _State, subset: Bools, taken: set[bytes]) -> list[tuple[Bools, float]]:
    """The subset, or the best a step away if it is taken; none if these are taken as well."""
    value, changed = state.gains(subset)
    tasks = np.flatnonzero(state.allowed(subset))
    beside = tasks[np.argsort(-changed[tasks], kind="stable")]
    tried = [(subset, value), *((_flipped(subset, at), float(changed[at])) for at in beside)]
    return [one for one in tried if one[0].tobytes() not in taken][:1]


def _flipped(subset: Bools, task: int) -> Bools:
    result = subset.copy()
    result[task] ^= True
    return result
