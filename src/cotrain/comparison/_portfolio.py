"""The portfolio: which models to train and blend, the simplest that is not clearly worse."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from cotrain.comparison._blend import Blend, halves, role_means
from cotrain.comparison._models import Model, roles_of
from cotrain.comparison._outputs import Outputs, column


@dataclass(frozen=True)
class Candidate:
    """A portfolio that could be recommended.

    Attributes
    ----------
    name : str
    models : tuple of Model
        None: every task is predicted by its base rate.
    """

    name: str
    models: tuple[Model, ...]

    def columns(self, outputs: Outputs) -> np.ndarray:
        """What is blended, (n, n_roles): each role's models that hold a task, averaged."""
        return role_means(outputs.anchored(self.models), self.owner, len(self.roles))

    @property
    def owner(self) -> np.ndarray:
        """The place among `roles` of each model's, int64 (n_models,)."""
        return np.array([self.roles.index(role) for role in roles_of(self.models)], dtype=np.int64)

    @property
    def roles(self) -> tuple[str, ...]:
        """What the columns are: learners, or their ways of training."""
        return tuple(dict.fromkeys(roles_of(self.models)))

    def blend(self, outputs: Outputs, seed: int, strength: float | None = None) -> Blend:
        """The blend fitted to validation labels."""
        return Blend(strength).fit(
            self.columns(outputs),
            outputs.task,
            _target(outputs),
            _offset(outputs),
            outputs.is_binary,
            halves(outputs.example, seed),
        )

    @staticmethod
    def stretch(outputs: Outputs, output: np.ndarray, seed: int) -> np.ndarray:
        """The factor of the distance from the base rate that fits validation labels, (K,)."""
        distance = ((output - outputs.base) / outputs.scale)[:, None]
        blend = Blend(np.inf).fit(
            distance,
            outputs.task,
            _target(outputs),
            _offset(outputs),
            outputs.is_binary,
            halves(outputs.example, seed),
        )
        return np.asarray(blend.weights_[:, 0])

    def predict(self, blend: Blend, outputs: Outputs) -> np.ndarray:
        """Blended outputs, (n,)."""
        distance = blend.predict(self.columns(outputs), outputs.task)
        return np.asarray(outputs.base + outputs.scale * distance)

    def cross_fit(self, outputs: Outputs, seed: int) -> np.ndarray:
        """Blended outputs for validation labels, each by a blend fitted to other examples, (n,)."""
        half = halves(outputs.example, seed)
        columns, target, offset = self.columns(outputs), _target(outputs), _offset(outputs)
        result = np.empty(outputs.task.size)
        quarters = halves(outputs.example, seed + 1)
        for part in (0, 1):
            seen, new = half != part, half == part
            blend = Blend().fit(
                columns[seen],
                outputs.task[seen],
                target[seen],
                offset[seen],
                outputs.is_binary,
                quarters[seen],
            )
            distance = blend.predict(columns[new], outputs.task[new])
            result[new] = outputs.base[new] + outputs.scale[new] * distance
        return result


def _target(outputs: Outputs) -> np.ndarray:
    binary = outputs.is_binary[outputs.task]
    return np.where(binary, outputs.truth, (outputs.truth - outputs.base) / outputs.scale)


def _offset(outputs: Outputs) -> np.ndarray:
    return np.where(outputs.is_binary[outputs.task], outputs.base, 0.0)


@dataclass(frozen=True, eq=False)
class Choice:
    """Which portfolio is recommended, and why.

    Attributes
    ----------
    candidates : tuple of Candidate
        From the simplest on.
    d2 : ndarray, (n_repeats, n_candidates, K)
        D² on validation labels that no blend was fitted to.
    deficit, error : ndarray, (n_candidates,)
        What the best has over each in mean D², and its standard error over tasks.
    chosen : int
    skill : ndarray, (K,)
        Mean share of the base rate's loss that the best portfolio takes away, on such labels.
    skill_p : ndarray, (K,)
        One-sided p-value, over labels, of there being no skill; NaN without labels.
    """

    candidates: tuple[Candidate, ...]
    d2: np.ndarray
    deficit: np.ndarray
    error: np.ndarray
    chosen: int
    skill: np.ndarray
    skill_p: np.ndarray

    @property
    def recommended(self) -> Candidate:
        return self.candidates[self.chosen]

    def skilled(self, fdr: float = 0.05) -> np.ndarray:
        """The tasks whose best portfolio beats the base rate (Benjamini and Hochberg), (K,)."""
        result = np.zeros(self.skill_p.size, dtype=bool)
        known = ~np.isnan(self.skill_p)
        if known.any():
            result[known] = stats.false_discovery_control(self.skill_p[known]) <= fdr
        return result & (self.skill > 0)


def choose_portfolio(
    candidates: Sequence[Candidate],
    repeats: Sequence[Outputs],
    seed: int,
    objective: Literal["mean", "worst"] = "mean",
    primary: Sequence[int] = (),
) -> Choice:
    """Choose on validation labels: the simplest candidate within a standard error of the best.

    Parameters
    ----------
    candidates : sequence of Candidate
        From the simplest on.
    repeats : sequence of Outputs
        Outputs for the validation labels of each repeat.
    seed : int
        Of the halves of examples that blends are fitted to and judged on in turn.
    objective : {"mean", "worst"}
        What a candidate is judged by: its mean D² over tasks, the standard error over tasks; or
        that of its worst task, the standard error over repeats. So is that of a single task.
    primary : sequence of int
        The tasks that count; empty: all.
    """
    crossed = [[one.cross_fit(outputs, seed) for one in candidates] for outputs in repeats]
    d2 = np.array(
        [
            [outputs.score(output)[:, column("d2")] for output in row]
            for outputs, row in zip(repeats, crossed, strict=True)
        ]
    )
    known = np.isfinite(d2).all(axis=(0, 1))
    if known[list(primary)].any():
        known &= np.isin(np.arange(known.size), primary)
    by_unit = d2[:, :, known].mean(axis=0)  # (n_candidates, n): what the error is over
    if known.sum() == 1 or (objective == "worst" and known.any()):
        worst = by_unit.argmin(axis=1)
        by_unit = d2[:, :, known][:, np.arange(len(candidates)), worst].T
    n = by_unit.shape[1]
    best = int(by_unit.mean(axis=1).argmax()) if n else 0
    behind = by_unit[best] - by_unit
    deficit = behind.mean(axis=1) if n else np.zeros(len(candidates))
    spread = behind.std(axis=1, ddof=1) if n > 1 else np.zeros(len(candidates))
    error = spread / np.sqrt(max(n, 1))
    chosen = int(np.flatnonzero(deficit <= error)[0])
    skill, p_value = _skill(repeats, [row[best] for row in crossed])
    return Choice(tuple(candidates), d2, deficit, error, chosen, skill, p_value)


def _skill(
    repeats: Sequence[Outputs], outputs: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Gain over the base rate by task, and its p-value with examples as the units."""
    n_tasks = repeats[0].is_binary.size
    task = np.concatenate([one.task for one in repeats])
    example = np.concatenate([one.example for one in repeats])
    base = np.concatenate([one.losses(one.base) for one in repeats])
    loss = np.concatenate(
        [one.losses(output) for one, output in zip(repeats, outputs, strict=True)]
    )
    skill, p_value = np.full(n_tasks, np.nan), np.full(n_tasks, np.nan)
    for at in range(n_tasks):
        own = task == at
        if not own.any():
            continue
        _, place, count = np.unique(example[own], return_inverse=True, return_counts=True)
        gain = np.bincount(place, (base - loss)[own]) / count
        total = np.bincount(place, base[own]) / count
        skill[at] = gain.mean() / total.mean() if total.mean() > 0 else np.nan
        if gain.size > 1 and np.ptp(gain) > 0:
            p_value[at] = stats.ttest_1samp(gain, 0.0, alternative="greater").pvalue
        else:
            p_value[at] = 1.0
    return skill, p_value
