"""An Optuna sampler for partitions: small moves from the best partitions so far."""

# ruff: noqa: ARG002 - the signatures are Optuna's

from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial, TrialState

ELITE = 20
"""Partitions kept to start from."""


class MoveSampler(BaseSampler):
    """Returns a partition of the elite after a few moves: relocate, swap, merge, split.

    Reads the labels to start from in each trial's user attribute `labels`; every parameter is a
    label with the same choices.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._space = IntersectionSearchSpace()
        self._elite: dict[tuple[int, ...], float] | None = None

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters that every trial had."""
        return self._space.calculate(study)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return labels a few moves away from a partition of the elite; better ones first."""
        if self._elite is None:
            self._elite = {}
            for past in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                self._keep(past)
        if not search_space or not self._elite:
            return {}
        ranked = sorted(self._elite, key=lambda labels: -self._elite_value(labels))
        # The smaller of two draws: the better half of the elite starts three moves in four.
        parent = ranked[int(self._rng.integers(len(ranked), size=2).min())]
        n_labels = len(next(iter(search_space.values())).choices)
        labels = np.array(parent)
        for _ in range(int(self._rng.geometric(0.5))):
            labels = self._moved(labels, n_labels)
        names = sorted(search_space, key=lambda name: int(name.rsplit("_", 1)[1]))
        return dict(zip(names, map(int, labels), strict=True))

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a random label."""
        choices = param_distribution.choices
        return choices[int(self._rng.integers(len(choices)))]

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Keep the partition if it is among the best."""
        if state == TrialState.COMPLETE and self._elite is not None:
            self._keep(trial, values[0])

    def _elite_value(self, labels: tuple[int, ...]) -> float:
        assert self._elite is not None
        return self._elite[labels]

    def _keep(self, trial: FrozenTrial, value: float | None = None) -> None:
        assert self._elite is not None
        self._elite[tuple(trial.user_attrs["labels"])] = (
            float(trial.values[0]) if value is None else float(value)
        )
        if len(self._elite) > ELITE:
            del self._elite[min(self._elite, key=self._elite_value)]

    def _moved(self, labels: np.ndarray, n_labels: int) -> np.ndarray:
        labels = labels.copy()
        kind = self._rng.random()
        if kind < 0.6:
            labels[self._rng.integers(len(labels))] = self._rng.integers(n_labels)
        elif kind < 0.8:
            one, other = self._rng.integers(len(labels), size=2)
            labels[one], labels[other] = labels[other], labels[one]
        elif kind < 0.9:
            one, other = self._rng.integers(n_labels, size=2)
            labels[labels == one] = other
        else:
            one, other = self._rng.integers(n_labels, size=2)
            labels[(labels == one) & (self._rng.random(len(labels)) < 0.5)] = other
        return labels
