"""Optuna's samplers for groupings, local search by moves among them."""

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from cotrain.grouping.search._decoder import Labels, canonical

ELITE = 20
"""Partitions kept to start from, and of each number of groups a quarter as many."""


def sampler_of(name: str, names: list[str], n_labels: int, seed: int, n_done: int) -> BaseSampler:
    """Return the sampler; one that is started again after `n_done` trials draws others."""
    if name == "moves":
        return MovesSampler(names, n_labels, seed)
    number = int(np.random.SeedSequence([seed, n_done]).generate_state(1)[0])
    kinds = {"nsga2": NSGAIISampler, "tpe": TPESampler, "random": RandomSampler}
    return kinds[name](seed=number)


class MovesSampler(BaseSampler):
    """Proposes a partition a few moves away from the best of the study's own trials.

    Moves relocate a block, swap two, merge two groups, or split one. What a trial proposes follows
    from the seed, its number and the trials before it, so that a study that is continued goes on
    as if it had never stopped. `names` are the parameters: the group, of `n_labels`, of each block.
    """

    def __init__(self, names: list[str], n_labels: int, seed: int) -> None:
        self._space: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(list(range(n_labels))) for name in names
        }
        self._n_labels = n_labels
        self._seed = seed
        self._n_learnt = 0
        self._best: dict[Labels, float] = {}
        self._best_of: dict[int, dict[Labels, float]] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the group of every block: they are proposed together."""
        del study, trial
        return self._space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, int]:
        trials = study.get_trials(deepcopy=False)
        while self._n_learnt < len(trials) and trials[self._n_learnt].state.is_finished():
            if trials[self._n_learnt].state == TrialState.COMPLETE:
                self._learn(trials[self._n_learnt])
            self._n_learnt += 1
        labels = self._propose(np.random.default_rng([self._seed, trial.number]))
        return dict(zip(search_space, labels.tolist(), strict=True))

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> int:
        """Return 0: every parameter is in the relative search space."""
        del study, trial, param_name, param_distribution
        return 0

    def _learn(self, trial: FrozenTrial) -> None:
        """Keep the partition of a trial, as its groups serve it, if it is among the best."""
        labels = trial.user_attrs.get("serving") or [trial.params[name] for name in self._space]
        partition = tuple(canonical(np.array(labels)).tolist())
        value = trial.values[1]
        _keep(self._best, partition, value, ELITE)
        _keep(self._best_of.setdefault(len(set(partition)), {}), partition, value, ELITE // 4)

    def _propose(self, rng: np.random.Generator) -> np.ndarray:
        """Return labels a few moves away from a partition of the elite; random ones at first.

        Every second parent is of a number of groups drawn by lot, so that all of them are searched.
        """
        if not self._best:
            return rng.integers(self._n_labels, size=len(self._space))
        elite = self._best
        if rng.random() < 0.5:
            sizes = sorted(self._best_of)
            elite = self._best_of[sizes[rng.integers(len(sizes))]]
        ranked = sorted(elite, key=lambda labels: -elite[labels])
        # The smaller of two draws: the better half of the elite starts three moves in four.
        labels = np.array(ranked[int(rng.integers(len(ranked), size=2).min())])
        for _ in range(int(rng.geometric(0.5))):
            self._move(labels, rng)
        return labels

    def _move(self, labels: np.ndarray, rng: np.random.Generator) -> None:
        one, other = rng.integers(self._n_labels, size=2)
        kind = rng.random()
        if kind < 0.6:
            labels[rng.integers(len(labels))] = one
        elif kind < 0.8:
            first, second = rng.integers(len(labels), size=2)
            labels[[first, second]] = labels[[second, first]]
        elif kind < 0.9:
            labels[labels == one] = other
        else:
            labels[(labels == one) & (rng.random(len(labels)) < 0.5)] = other


def _keep(elite: dict[Labels, float], labels: Labels, value: float, size: int) -> None:
    elite[labels] = value
    if len(elite) > size:
        del elite[min(elite, key=lambda kept: elite[kept])]
