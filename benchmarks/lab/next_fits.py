"""The next fits to train: those that tell most about the discounts."""

import numpy as np

from cotrain.curves import TransferModel
from cotrain.curves._transfer_core import FIRST, TargetFit, score_gradient


def next_fits(
    model: TransferModel,
    candidates: np.ndarray,
    n: int,
    *,
    scored: np.ndarray | None = None,
    costs: np.ndarray | None = None,
) -> np.ndarray:
    """The candidates with the most expected information per cost, in the order of choice, (n,).

    Greedy Bayesian D-optimal design on the model at its present estimate: a fit tells
    ½ log(1 + variance of the expected score / noise variance) nats about each task that it scores,
    summed over tasks; what chosen fits tell is taken off what is left to learn.

    Parameters
    ----------
    model : TransferModel
        Fitted to the fits so far.
    candidates : ndarray, (n_candidates, K)
        Label counts of fits that could be trained.
    n : int
        Fits to choose; a candidate can be chosen once.
    scored : ndarray of bool, (n_candidates, K), optional
        Which tasks each candidate would score; those with labels by default.
    costs : ndarray, (n_candidates,), optional
        What each candidate costs; equal by default.

    Raises
    ------
    ValueError
        If a shape does not fit, or there are fewer candidates than asked for.
    """
    candidates = np.asarray(candidates, dtype=float)
    n_tasks = len(model.asymptotes_)
    if candidates.ndim != 2 or candidates.shape[1] != n_tasks:
        raise ValueError(f"candidates must have shape (n, {n_tasks}), got {candidates.shape}")
    if not 1 <= n <= len(candidates):
        raise ValueError(f"n must be in 1 .. {len(candidates)} candidates, got {n}")
    scored = candidates > 0 if scored is None else np.asarray(scored, dtype=bool)
    costs = np.ones(len(candidates)) if costs is None else np.asarray(costs, dtype=float)
    if scored.shape != candidates.shape or costs.shape != (len(candidates),) or (costs <= 0).any():
        raise ValueError("scored must have the shape of candidates, and costs one above 0 for each")
    views = [
        _View(fit, target, candidates / model.scales_, scored[:, target], model.noise_[target] ** 2)
        for target, fit in enumerate(model.fits_)
    ]
    chosen: list[int] = []
    for _ in range(n):
        information = sum(view.information() for view in views) / costs
        information[chosen] = -np.inf
        best = int(np.argmax(information))
        chosen.append(best)
        for view in views:
            view.learn(best)
    return np.array(chosen)


class _View:
    """What the candidates would tell about one target, kept up to date by rank-one updates."""

    def __init__(
        self, fit: TargetFit, target: int, x: np.ndarray, scored: np.ndarray, noise: float
    ) -> None:
        width = FIRST + x.shape[1]
        self.gradient = score_gradient(fit.z, target, x)
        self.reach = self.gradient @ fit.covariance[:width, :width]  # gradient · covariance
        self.variance = (self.reach * self.gradient).sum(axis=1)
        self.scored = scored
        self.noise = noise

    def information(self) -> np.ndarray:
        """Expected information of each candidate, in nats, (n_candidates,)."""
        told = 0.5 * np.log1p(np.maximum(self.variance, 0.0) / self.noise)
        return np.where(self.scored, told, 0.0)

    def learn(self, candidate: int) -> None:
        """Take off what the candidate's score will have told."""
        if not self.scored[candidate]:
            return
        shared = self.reach @ self.gradient[candidate]  # covariance with the candidate's score
        total = self.variance[candidate] + self.noise
        self.reach = self.reach - np.outer(shared, self.reach[candidate]) / total
        self.variance = self.variance - shared**2 / total
