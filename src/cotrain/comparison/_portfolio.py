"""The portfolio: which models to train and blend, the simplest that is as good as the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from scipy.special import stdtr

from cotrain.comparison._blend import Blend, Stack, role_means
from cotrain.comparison._models import Model, roles_of
from cotrain.comparison._outputs import Outputs, column
from cotrain.reliability import benjamini_hochberg

# The share of a task's weights below which, for every task, a role is not worth its models.
LEAST_SHARE = 0.05
# The share of the best candidate's D² that a simpler one may cost at most.
SIMPLER_COSTS = 0.005
# The share of it that nobody would train more models for, however sure it is: of many labels the
# standard error is next to nothing.
NEGLIGIBLE = 0.001
_ROUNDING = 1e-9  # of D²


@dataclass(frozen=True)
class Candidate:
    """A portfolio that could be recommended."""

    name: str
    models: tuple[Model, ...]  # None: every task is predicted by its base rate

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

    def blend(self, repeats: Sequence[Outputs], seed: int) -> Blend:
        """The blend fitted to the validation labels of all repeats."""
        return Blend(random_state=seed).fit(stack(repeats, [self.columns(one) for one in repeats]))

    def predict(self, blend: Blend, outputs: Outputs) -> np.ndarray:
        """Blended outputs, (n,)."""
        distance = blend.predict(self.columns(outputs), outputs.task)
        return np.asarray(outputs.base + outputs.scale * distance)

    def pruned(self, repeats: Sequence[Outputs], seed: int) -> "Candidate":
        """Without the roles that have less than 5 % of each task's weights, named by those left."""
        weights = self.blend(repeats, seed).weights_
        kept = (weights > LEAST_SHARE * weights.sum(axis=1, keepdims=True)).any(axis=0)
        if kept.all() or not kept.any():
            return self
        models = tuple(
            model for model, role in zip(self.models, self.owner, strict=True) if kept[role]
        )
        left = Candidate("", models)
        return replace(left, name=" and ".join(left.roles))

    def cross_fit(self, repeats: Sequence[Outputs], seed: int) -> list[np.ndarray]:
        """Blended outputs for the validation labels of each repeat, (n,).

        Each by a blend fitted to other folds, or where there is one alone to other examples, of the
        strength that all of them together choose.
        """
        every = stack(repeats, [self.columns(one) for one in repeats])
        cut, strength = every.cuts(seed), self.blend(repeats, seed).strength_
        distance = np.empty(cut.size)
        for part in range(cut.max(initial=-1) + 1):
            blend = Blend(strength).fit(every[cut != part])
            new = every[cut == part]
            distance[cut == part] = blend.predict(new.columns, new.task)
        ends = np.cumsum([one.task.size for one in repeats])
        return [
            one.base + one.scale * own
            for one, own in zip(repeats, np.split(distance, ends[:-1]), strict=True)
        ]


def stretch(repeats: Sequence[Outputs], outputs: Sequence[np.ndarray]) -> np.ndarray:
    """The factor of the distance from the base rate that fits validation labels, (K,)."""
    columns = [
        ((output - one.base) / one.scale)[:, None]
        for one, output in zip(repeats, outputs, strict=True)
    ]
    return np.asarray(Blend(np.inf).fit(stack(repeats, columns)).weights_[:, 0])


def stack(repeats: Sequence[Outputs], columns: Sequence[np.ndarray]) -> Stack:
    """The labels of all repeats with `columns` (n, n_roles) each; an example counts once in all."""
    example = np.concatenate([one.example for one in repeats])
    task = np.concatenate([one.task for one in repeats])
    truth, base, scale = (
        np.concatenate([getattr(one, name) for one in repeats])
        for name in ("truth", "base", "scale")
    )
    _, place, count = np.unique(
        np.stack([example, task]), axis=1, return_inverse=True, return_counts=True
    )
    binary = repeats[0].is_binary[task]
    return Stack(
        columns=np.concatenate(columns),
        task=task,
        target=np.where(binary, truth, (truth - base) / scale),
        offset=np.where(binary, base, 0.0),
        weight=1.0 / count[place],
        example=example,
        fold=np.concatenate([one.fold for one in repeats]),
        is_binary=repeats[0].is_binary,
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """Which portfolio is recommended, and why."""

    candidates: tuple[Candidate, ...]  # from the simplest on
    # (n_repeats, n_candidates, K): D² on validation labels that no blend was fitted to
    d2: np.ndarray
    # (n_candidates,): what the best has over each in D² (mean or worst), and its standard error
    # over examples
    deficit: np.ndarray
    error: np.ndarray
    chosen: int
    # (K,): mean share of the base rate's loss that the best portfolio takes away, on such labels
    skill: np.ndarray
    # (K,): one-sided p-value, over labels, of there being no skill; NaN without labels
    skill_p: np.ndarray

    @property
    def recommended(self) -> Candidate:
        return self.candidates[self.chosen]

    def skilled(self, fdr: float = 0.05) -> np.ndarray:
        """The tasks whose best portfolio beats the base rate (Benjamini and Hochberg), (K,)."""
        return (benjamini_hochberg(self.skill_p) <= fdr) & (self.skill > 0)


def choose_portfolio(
    candidates: Sequence[Candidate],
    repeats: Sequence[Outputs],
    seed: int,
    objective: Literal["mean", "worst"] = "mean",
    primary: Sequence[int] = (),
) -> Choice:
    """Choose on validation labels: the simplest candidate that is as good as the best.

    It is within one standard error of the best, and costs at most half a percent of its D²; or it
    costs at most a thousandth of it, whatever the standard error. The first, the base rate, needs
    the standard error alone; it is chosen too where no task that counts is predicted better.

    Parameters
    ----------
    candidates : sequence of Candidate
        From the simplest on.
    repeats : sequence of Outputs
        Outputs for the validation labels of each repeat.
    seed : int
        Of the halves of examples that blends are fitted to and judged on in turn, where all
        validation labels are of one fold.
    objective : {"mean", "worst"}
        What a candidate is judged by: its mean D² over tasks; or that of its worst task as well.
    primary : sequence of int
        The tasks that count; empty: all.
    """
    by_candidate = [one.cross_fit(repeats, seed) for one in candidates]
    crossed = list(zip(*by_candidate, strict=True))
    d2 = np.array(
        [
            [_explained(outputs, output) for output in row]
            for outputs, row in zip(repeats, crossed, strict=True)
        ]
    )
    known = np.isfinite(d2).all(axis=(0, 1))
    if known[list(primary)].any():
        known &= np.isin(np.arange(known.size), primary)
    every = np.tile(known / max(known.sum(), 1), (len(candidates), 1))
    mean = _Judged.by(d2, every, repeats, crossed)
    first = _Judged.by(d2, _worst(d2, known), repeats, crossed) if objective == "worst" else mean
    every_one = np.arange(len(candidates))
    near = first.near(every_one)
    if objective == "worst":
        # No way may help the worst task; the others are served all the same.
        near = mean.near(near)
    best = int(mean.value.argmax())
    skill, p_value = _skill(repeats, [row[best] for row in crossed])
    behind = first.behind(every_one)
    choice = Choice(tuple(candidates), d2, *behind, int(near[0]), skill, p_value)
    return choice if choice.skilled()[known].any() else replace(choice, chosen=0)


def _explained(outputs: Outputs, output: np.ndarray) -> np.ndarray:
    """D² of each task, (K,); of real values what the base rate loses more, over `_at_stake`.

    A task's few validation labels may happen to be nearly alike: divided by how much they vary
    among themselves, one error would decide the mean over hundreds of tasks.
    """
    loss, base = (_summed(outputs, each) for each in (output, outputs.base))
    at_stake = _at_stake(outputs)
    gain = (base - loss) / np.where(at_stake > 0, at_stake, np.nan)
    return np.where(outputs.is_binary, outputs.score(output)[:, column("d2")], gain)


def _at_stake(outputs: Outputs) -> np.ndarray:
    """What the losses of each task's labels are held against, (K,).

    The base rate's, and of each real value no less than the variance of the training labels.
    """
    base = _summed(outputs, outputs.base)
    variances = np.bincount(outputs.task, minlength=base.size)
    return np.where(outputs.is_binary, base, np.maximum(base, variances))


def _summed(outputs: Outputs, output: np.ndarray) -> np.ndarray:
    """The losses of each task, (K,)."""
    return np.bincount(outputs.task, outputs.losses(output), outputs.is_binary.size)


def _worst(d2: np.ndarray, known: np.ndarray) -> np.ndarray:
    """1 at each candidate's worst known task, by its mean over repeats, (n_candidates, K)."""
    mean = np.where(known, d2.mean(axis=0), np.inf)
    return np.eye(known.size)[mean.argmin(axis=1)] * known


@dataclass(frozen=True, eq=False)
class _Judged:
    """D² of candidates, and how far it hangs on single examples."""

    value: np.ndarray  # (n_candidates,)
    # (n_candidates, n_examples): what the labels of each example take from it; examples without any
    # are left out
    lost: np.ndarray

    @classmethod
    def by(
        cls,
        d2: np.ndarray,
        share: np.ndarray,
        repeats: Sequence[Outputs],
        crossed: Sequence[Sequence[np.ndarray]],
    ) -> Self:
        """Of `d2` (n_repeats, n_candidates, K), tasks counting `share` (n_candidates, K)."""
        value = np.where(share > 0, share * d2.mean(axis=0), 0.0).sum(axis=1)
        n_examples = 1 + max(int(one.example.max(initial=0)) for one in repeats)
        lost = np.zeros((len(value), n_examples))
        for outputs, row in zip(repeats, crossed, strict=True):
            at_stake = _at_stake(outputs)
            per_loss = share / np.where(at_stake > 0, at_stake, np.inf) / len(repeats)
            for own, part, output in zip(lost, per_loss, row, strict=True):
                taken = outputs.losses(output) * part[outputs.task]
                own += np.bincount(outputs.example, taken, n_examples)
        return cls(value, lost[:, (lost != 0).any(axis=0)])

    def near(self, among: np.ndarray) -> np.ndarray:
        """Which of some candidates, from the simplest on, are as good as the best of them."""
        deficit, error = self.behind(among)
        best = max(self.value[among].max(), 0.0)
        # To be simpler is worth little; to claim nothing, as the first does, is worth the doubt.
        cheap = deficit <= SIMPLER_COSTS * best
        # Blends that give no weight to what they have more differ by the order of sums alone.
        equal = max(NEGLIGIBLE * best, _ROUNDING)
        return among[(deficit <= np.maximum(error, equal)) & (cheap | (among == 0))]

    def behind(self, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the best of some candidates has over each, and its standard error over examples."""
        value, lost = self.value[among], self.lost[among]
        difference = lost - lost[value.argmax()]
        n = difference.shape[1]
        spread = difference.std(axis=1, ddof=1) if n > 1 else np.zeros(len(value))
        return value.max() - value, spread * np.sqrt(n)


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
    skill, p_value = np.full((2, n_tasks), np.nan)
    for at in range(n_tasks):
        own = task == at
        if not own.any():
            continue
        _, place, count = np.unique(example[own], return_inverse=True, return_counts=True)
        gain = np.bincount(place, (base - loss)[own]) / count
        total = np.bincount(place, base[own]) / count
        skill[at] = gain.mean() / total.mean() if total.mean() > 0 else np.nan
        p_value[at] = 1.0
        if gain.size > 1 and np.ptp(gain) > 0:
            error = gain.std(ddof=1) / np.sqrt(gain.size)
            p_value[at] = stdtr(gain.size - 1, -gain.mean() / error)  # Student's, one-sided
    return skill, p_value
