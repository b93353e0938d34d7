"""Non-negative weights of models, shared between tasks as far as the labels tell no more."""

from collections.abc import Callable
from typing import Self

import numpy as np
from scipy.optimize import minimize, nnls
from scipy.special import expit

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]

# The labels that a task's own weights must outweigh to leave the common ones.
STRENGTHS = (1.0, 10.0, 100.0, np.inf)
# In labels, how strongly weights of classes are drawn to the mean of the models: few labels that
# are all told apart would be told with no doubt at all.
PRIOR = 1.0


class Blend:
    """Blends what models say: base + sum_m w_im (z_m - base), with weights w >= 0.

    Stacking (Wolpert 1992; non-negative: Breiman 1996) on logits of binary tasks, anchored at the
    base rate: weights of 0 say the base rate, and with one model the weight is a one-parameter
    recalibration. Weights of real-valued tasks add up to 1: values are means of what models say,
    not drawn to the mean of the training labels, which is wrong where time has moved it. A task's
    weights are drawn to those that fit all tasks, by `strength` times their squared distance.

    Parameters
    ----------
    strength : float or None
        In labels; `inf`: weights common to all tasks. None: chosen by cross-fitting.

    Attributes
    ----------
    weights_ : ndarray, (K, n_models)
    strength_ : float
    """

    def __init__(self, strength: float | None = None) -> None:
        self.strength = strength

    def fit(
        self,
        columns: np.ndarray,
        task: np.ndarray,
        target: np.ndarray,
        offset: np.ndarray,
        is_binary: np.ndarray,
        half: np.ndarray,
    ) -> Self:
        """Find the weights.

        Parameters
        ----------
        columns : array, (n, n_models)
            Distances of outputs from the base rate; NaN where a model does not hold the task.
        task, target, offset : array, (n,)
            The task of each label; 0 or 1, or the standardised distance from the base rate; the
            base rate's logit, or 0.
        is_binary : array of bool, (K,)
        half : array of {0, 1}, (n,)
            How labels are parted to choose the strength.
        """
        z = filled(columns)
        self.strength_ = self.strength
        if self.strength_ is None:
            self.strength_ = self._choose(z, task, target, offset, is_binary, half)
        self.weights_ = _weights(z, task, target, offset, is_binary, self.strength_)
        return self

    def predict(self, columns: np.ndarray, task: np.ndarray) -> np.ndarray:
        """The blends' distance from the base rate, (n,)."""
        return mixed(columns, self.weights_[task])

    def _choose(
        self,
        z: np.ndarray,
        task: np.ndarray,
        target: np.ndarray,
        offset: np.ndarray,
        is_binary: np.ndarray,
        half: np.ndarray,
    ) -> float:
        found = []
        for strength in STRENGTHS:
            loss = 0.0
            for part in (0, 1):
                seen, new = half != part, half == part
                weights = _weights(
                    z[seen], task[seen], target[seen], offset[seen], is_binary, strength
                )
                output = offset[new] + (z[new] * weights[task[new]]).sum(axis=1)
                loss += _losses(output, target[new], is_binary[task[new]]).sum()
            found.append(loss)
        # The strongest of those that are equally good.
        best = min(found)
        return max(s for s, loss in zip(STRENGTHS, found, strict=True) if loss <= best)


def role_means(anchored: np.ndarray, owner: np.ndarray, n_roles: int) -> np.ndarray:
    """What is blended: each role's models that hold a task, averaged, (n, n_roles).

    Models of one role are alike, and so share one weight. NaN where a role has no model.

    Parameters
    ----------
    anchored : array, (n, n_models)
        Distances of models from the base rate; NaN where a model does not hold the task.
    owner : array of int, (n_models,)
        The role of each model.
    n_roles : int
    """
    result = np.full((anchored.shape[0], n_roles), np.nan)
    for role in range(n_roles):
        own = anchored[:, owner == role]
        count = (~np.isnan(own)).sum(axis=1)
        total = np.where(np.isnan(own), 0.0, own).sum(axis=1)
        result[:, role] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def mixed(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The blend's distance from the base rate, (n,), of `columns` (n, n_roles).

    `weights` are each row's, (n, n_roles), or common to all, (n_roles,).
    """
    return np.asarray((filled(columns) * weights).sum(axis=1))


def model_shares(holds: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What each model counts for in the blend of one task, (n_models,); 0 if it lacks the task.

    The blend is linear: the distances of models times these shares add up to its distance.

    Parameters
    ----------
    holds : array of bool, (n_models,)
        Whether a model holds the task.
    owner : array of int, (n_models,)
        The role of each model.
    weights : array, (n_roles,)
    """
    alone = np.where(holds, np.eye(holds.size), np.nan)
    shares = mixed(role_means(alone, owner, weights.size), weights)
    return np.where(holds, shares, 0.0)


def filled(columns: np.ndarray) -> np.ndarray:
    """Columns in which a model that does not hold a task says what the others say on average."""
    known = ~np.isnan(columns)
    total = np.where(known, columns, 0.0).sum(axis=1, keepdims=True)
    mean = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, columns, mean)


def parts(example: np.ndarray, n_parts: int, seed: int) -> np.ndarray:
    """The part of each label, 0 .. n_parts - 1, (n,): all labels of an example are in one."""
    examples, place = np.unique(example, return_inverse=True)
    order = np.random.default_rng(seed).permutation(examples.size)
    return (order % n_parts)[place]


def _weights(
    z: np.ndarray,
    task: np.ndarray,
    target: np.ndarray,
    offset: np.ndarray,
    is_binary: np.ndarray,
    strength: float,
) -> np.ndarray:
    """The weights of all tasks, (K, n_models)."""
    n_models = z.shape[1]
    result = np.zeros((is_binary.size, n_models))
    for kind in np.unique(is_binary[task]):
        of_kind = is_binary[task] == kind
        members = np.flatnonzero(is_binary == kind)
        if not kind:
            result[members] = _means(z[of_kind], target[of_kind], task[of_kind], members, strength)
            continue
        parts = (z[of_kind], target[of_kind], offset[of_kind])
        common = _minimise(_pooled(*parts), np.full(n_models, 1.0 / max(n_models, 1)))
        result[members] = common
        if np.isfinite(strength) and n_models:
            place = np.searchsorted(members, task[of_kind])
            loss = _by_task(*parts, place, members.size, common, strength)
            result[members] = _minimise(loss, np.tile(common, members.size)).reshape(-1, n_models)
    return result


def _means(
    z: np.ndarray, target: np.ndarray, task: np.ndarray, members: np.ndarray, strength: float
) -> np.ndarray:
    """The weights of real-valued tasks, (n_members, n_models)."""
    n_models = z.shape[1]
    if n_models == 0:
        return np.zeros((members.size, 0))
    common = _shares(z, target)
    if not np.isfinite(strength):
        return np.tile(common, (members.size, 1))
    pull = np.sqrt(strength) * np.eye(n_models)
    return np.stack(
        [
            _shares(
                np.vstack([z[task == member], pull]),
                np.concatenate([target[task == member], pull @ common]),
            )
            for member in members
        ]
    )


def _shares(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares with weights of at least 0 whose sum is 1, (n_models,)."""
    heavy = 1e4 * np.sqrt(1.0 + (z**2).sum())  # a row that outweighs all others
    found, _ = nnls(np.vstack([z, np.full((1, z.shape[1]), heavy)]), np.append(target, heavy))
    return np.asarray(found / found.sum())


def _pooled(z: np.ndarray, target: np.ndarray, offset: np.ndarray) -> Loss:
    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        output = offset + z @ weights
        slope = expit(output) - target
        away = weights - 1.0 / weights.size
        value = _log_losses(output, target).sum() + PRIOR * (away**2).sum()
        return float(value), z.T @ slope + 2 * PRIOR * away

    return loss


def _by_task(
    z: np.ndarray,
    target: np.ndarray,
    offset: np.ndarray,
    place: np.ndarray,
    n_tasks: int,
    common: np.ndarray,
    strength: float,
) -> Loss:
    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(n_tasks, -1)
        output = offset + (z * weights[place]).sum(axis=1)
        slope = expit(output) - target
        gradient = np.stack([np.bincount(place, slope * column, n_tasks) for column in z.T], axis=1)
        away = weights - common
        value = _log_losses(output, target).sum() + strength * (away**2).sum()
        return float(value), (gradient + 2 * strength * away).ravel()

    return loss


def _minimise(loss: Loss, start: np.ndarray) -> np.ndarray:
    if start.size == 0:
        return start
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * start.size)
    return np.asarray(found.x)


def _losses(output: np.ndarray, target: np.ndarray, is_binary: np.ndarray) -> np.ndarray:
    return np.where(is_binary, _log_losses(output, target), (output - target) ** 2)


def _log_losses(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(0.0, output) - target * output)
