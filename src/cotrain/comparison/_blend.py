"""Non-negative weights of models, shared between tasks as far as the labels tell no more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import expit

from cotrain.means import mean_known

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]

# The labels that a task's own weights must outweigh to leave the common ones.
STRENGTHS = (1.0, 10.0, 100.0, np.inf)
# In labels, how strongly weights of classes are drawn to the mean of the models: few labels that
# are all told apart would be told with no doubt at all.
PRIOR = 1.0
# Parts at most that labels are cut into, to fit to some and judge by the others.
N_CUTS = 4


@dataclass(frozen=True, eq=False)
class Stack:
    """Labels, and what models say of them: what blends are fitted to."""

    # (n, n_roles): distances of outputs from the base rate; NaN where a role does not hold the task
    columns: np.ndarray
    task: np.ndarray  # (n,) of int: of each label
    target: np.ndarray  # (n,): 0 or 1, or the standardised distance from the base rate
    offset: np.ndarray  # (n,): the base rate's logit, or 0
    weight: np.ndarray  # (n,): what a label counts for
    # (n,) of int: whose label it is, and the fold of that example
    example: np.ndarray
    fold: np.ndarray
    is_binary: np.ndarray  # (K,) of bool

    def __getitem__(self, chosen: np.ndarray) -> "Stack":
        every = ("columns", "task", "target", "offset", "weight", "example", "fold")
        return replace(self, **{name: getattr(self, name)[chosen] for name in every})

    def cuts(self, seed: int) -> np.ndarray:
        """The part of each label, from 0, (n,): by folds, or half the examples of one fold.

        A blend is wanted for other folds, whose scaffolds or years are others: by examples alone,
        what a fold's own share of positives tells would seem worth learning.
        """
        folds, place = np.unique(self.fold, return_inverse=True)
        return place % N_CUTS if folds.size > 1 else parts(self.example, 2, seed)


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
    random_state : int
        Of the halves of examples that the strength is chosen by where there is one fold alone.

    Attributes
    ----------
    weights_ : ndarray, (K, n_roles)
        0 of a role that does not hold the task: the others share what it would count for.
    strength_ : float
    """

    def __init__(self, strength: float | None = None, random_state: int = 0) -> None:
        self.strength = strength
        self.random_state = random_state

    def fit(self, stack: Stack) -> Self:
        held = _held(stack)
        stack = replace(stack, columns=filled(stack.columns))
        self.strength_ = self._choose(stack) if self.strength is None else self.strength
        weights = _weights(stack, self.strength_)
        # A role without the task said what the others say on average: they share its weight.
        lost = (weights * ~held).sum(axis=1, keepdims=True)
        shared = weights + lost / np.maximum(held.sum(axis=1, keepdims=True), 1)
        self.weights_ = np.where(held, shared, 0.0)
        return self

    def predict(self, columns: np.ndarray, task: np.ndarray) -> np.ndarray:
        """The blends' distance from the base rate, (n,)."""
        return mixed(columns, self.weights_[task])

    def _choose(self, stack: Stack) -> float:
        cut, found = stack.cuts(self.random_state), []
        for strength in STRENGTHS:
            loss = 0.0
            for part in range(cut.max(initial=-1) + 1):
                new = stack[cut == part]
                weights = _weights(stack[cut != part], strength)
                output = new.offset + (new.columns * weights[new.task]).sum(axis=1)
                squared = (output - new.target) ** 2
                log_loss = _log_losses(output, new.target)
                losses = np.where(new.is_binary[new.task], log_loss, squared)
                loss += float((new.weight * losses).sum())
            found.append(loss)
        # The strongest of those that are equally good.
        return max(s for s, loss in zip(STRENGTHS, found, strict=True) if loss <= min(found))


def role_means(anchored: np.ndarray, owner: np.ndarray, n_roles: int) -> np.ndarray:
    """What is blended: each role's models that hold a task, averaged, (n, n_roles).

    Models of one role are alike, and so share one weight. NaN where a role has no model.
    `anchored` (n, n_models) are distances of models from the base rate, NaN where a model does not
    hold the task; `owner` (n_models,) is the role of each.
    """
    result = np.full((anchored.shape[0], n_roles), np.nan)
    for role in range(n_roles):
        result[:, role] = mean_known(anchored[:, owner == role], axis=1)
    return result


def mixed(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The blend's distance from the base rate, (n,), of `columns` (n, n_roles).

    `weights` are each row's, (n, n_roles), or common to all, (n_roles,).
    """
    return np.asarray((filled(columns) * weights).sum(axis=1))


def model_shares(holds: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What each model counts for in the blend of one task, (n_models,); 0 if it lacks the task.

    The blend is linear: the distances of models times these shares add up to its distance. `holds`
    (n_models,) says whether a model holds the task, `owner` its role; `weights` are (n_roles,).
    """
    alone = np.where(holds, np.eye(holds.size), np.nan)
    shares = mixed(role_means(alone, owner, weights.size), weights)
    return np.where(holds, shares, 0.0)


def filled(columns: np.ndarray) -> np.ndarray:
    """Columns in which a model that does not hold a task says what the others say on average."""
    mean = np.nan_to_num(mean_known(columns, axis=1))[:, None]
    return np.where(np.isnan(columns), mean, columns)


def _held(stack: Stack) -> np.ndarray:
    """Whether each role holds each task, bool (K, n_roles); of a task without labels, all do."""
    n_tasks, n_roles = stack.is_binary.size, stack.columns.shape[1]
    held = np.zeros((n_tasks, n_roles), dtype=bool)
    np.logical_or.at(held, stack.task, ~np.isnan(stack.columns))
    held[~held.any(axis=1)] = True
    return held


def parts(example: np.ndarray, n_parts: int, seed: int) -> np.ndarray:
    """The part of each label, 0 .. n_parts - 1, (n,): all labels of an example are in one."""
    examples, place = np.unique(example, return_inverse=True)
    order = np.random.default_rng(seed).permutation(examples.size)
    return (order % n_parts)[place]


def _weights(stack: Stack, strength: float) -> np.ndarray:
    """The weights of all tasks, (K, n_roles), by columns without gaps."""
    n_roles = stack.columns.shape[1]
    result = np.zeros((stack.is_binary.size, n_roles))
    binary = stack.is_binary[stack.task]
    for kind in np.unique(binary):
        own, members = stack[binary == kind], np.flatnonzero(stack.is_binary == kind)
        if not kind:
            result[members] = _means(own, members, strength)
            continue
        common = _minimise(_pooled(own), np.full(n_roles, 1.0 / max(n_roles, 1)))
        result[members] = common
        if np.isfinite(strength) and n_roles:
            loss = _by_task(own, members, common, strength)
            result[members] = _minimise(loss, np.tile(common, members.size)).reshape(-1, n_roles)
    return result


def _means(own: Stack, members: np.ndarray, strength: float) -> np.ndarray:
    """The weights of real-valued tasks, (n_members, n_roles)."""
    n_roles = own.columns.shape[1]
    if n_roles == 0:
        return np.zeros((members.size, 0))
    root = np.sqrt(own.weight)
    z, target = own.columns * root[:, None], own.target * root
    common = _shares(z, target)
    if not np.isfinite(strength):
        return np.tile(common, (members.size, 1))
    pull, shares = np.sqrt(strength) * np.eye(n_roles), []
    for held in (own.task == member for member in members):
        drawn = np.concatenate([target[held], pull @ common])
        shares.append(_shares(np.vstack([z[held], pull]), drawn))
    return np.stack(shares)


def _shares(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares with weights of at least 0 whose sum is 1, (n_roles,)."""
    from scipy.optimize import nnls

    heavy = 1e4 * np.sqrt(1.0 + (z**2).sum())  # a row that outweighs all others
    found, _ = nnls(np.vstack([z, np.full((1, z.shape[1]), heavy)]), np.append(target, heavy))
    return np.asarray(found / found.sum())


def _pooled(own: Stack) -> Loss:
    z = own.columns

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        output = own.offset + z @ weights
        slope = own.weight * (expit(output) - own.target)
        away = weights - 1.0 / weights.size
        value = (own.weight * _log_losses(output, own.target)).sum() + PRIOR * (away**2).sum()
        return float(value), z.T @ slope + 2 * PRIOR * away

    return loss


def _by_task(own: Stack, members: np.ndarray, common: np.ndarray, strength: float) -> Loss:
    z, place = own.columns, np.searchsorted(members, own.task)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(members.size, -1)
        output = own.offset + (z * weights[place]).sum(axis=1)
        slope = own.weight * (expit(output) - own.target)
        gradient = np.stack(
            [np.bincount(place, slope * column, members.size) for column in z.T], axis=1
        )
        away = weights - common
        value = (own.weight * _log_losses(output, own.target)).sum() + strength * (away**2).sum()
        return float(value), (gradient + 2 * strength * away).ravel()

    return loss


def _minimise(loss: Loss, start: np.ndarray) -> np.ndarray:
    from scipy.optimize import minimize  # only where blends are fitted: `plan` does without

    if start.size == 0:
        return start
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * start.size)
    return np.asarray(found.x)


def _log_losses(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(0.0, output) - target * output)
