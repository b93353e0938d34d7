"""Studies drawn from worlds whose effects are known, each judged by what the package says of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cotrain.allocation import augmentations, random_subsets, rotations, subset_fits
from cotrain.analysis import LabelTables, Observations
from cotrain.comparison import compare_groupings
from cotrain.curves import pairwise_effects
from cotrain.reliability import interval_verdicts, paired_interval
from cotrain.surrogates import relevance
from lab.domain_effects import domain_effects

FDR = 0.05
# Normal or heavy tails (Student's t with 3 degrees); noise alike, or differing between targets
# (standard deviation of its logarithm 0.67) and from score to score of a target (0.25).
WORLDS = {
    "independent": (False, False),
    "heavy tails": (True, False),
    "unequal noise": (False, True),
    "heavy tails, unequal noise": (True, True),
}
# One pair in so many has an effect, where any has.
ONE_IN = 4


@dataclass(frozen=True)
class World:
    """How scores are drawn.

    Attributes
    ----------
    name : str
        Of `WORLDS`.
    n_repeats : int
    own : float
        Standard deviation of a repeat's own effects, in units of the noise.
    planted : float
        Size of the effects that last, in units of the noise; 0 for none.
    """

    name: str
    n_repeats: int
    own: float = 0.0
    planted: float = 0.0

    @property
    def unequal(self) -> bool:
        return WORLDS[self.name][1]

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Noise of variance 1."""
        return (
            rng.standard_t(3, shape) / np.sqrt(3)
            if WORLDS[self.name][0]
            else rng.normal(size=shape)
        )

    def loudness(self, rng: np.random.Generator, n_tasks: int) -> np.ndarray:
        """Standard deviation of each target's noise, (K,), in ascending order."""
        return np.sort(np.exp(rng.normal(0, 0.67, n_tasks))) if self.unequal else np.ones(n_tasks)

    def uneven(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """What the noise of single scores is multiplied by."""
        return np.exp(rng.normal(0, 0.25, shape)) if self.unequal else np.ones(shape)

    def effects(self, rng: np.random.Generator, sd: np.ndarray, n: int) -> np.ndarray:
        """What lasts, (K, n): nothing, or effects of either sign on one in `ONE_IN`."""
        chosen = rng.random((len(sd), n)) < 1 / ONE_IN
        return self.planted * sd[:, None] * chosen * rng.choice([-1.0, 1.0], (len(sd), n))


@dataclass(frozen=True, eq=False)
class Judged:
    """What was said of the effects of one study, targets first, quiet to loud.

    Attributes
    ----------
    truth, low, high : ndarray, (K, n)
        NaN where nothing is to be said.
    verdict : ndarray of str, (K, n)
    """

    truth: np.ndarray
    low: np.ndarray
    high: np.ndarray
    verdict: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Share of intervals that hold the truth, (K,)."""
        known = ~np.isnan(self.truth) & ~np.isnan(self.low)
        held = known & (self.low <= self.truth) & (self.truth <= self.high)
        return held.sum(axis=1) / np.maximum(known.sum(axis=1), 1)

    @property
    def sign(self) -> np.ndarray:
        """What was said: 1 helps, -1 hurts, 0 neither."""
        said = np.isin(self.verdict, ("helps", "wins")) * 1.0
        return said - np.isin(self.verdict, ("hurts", "loses"))

    @property
    def false(self) -> float:
        """Share of the verdicts that are false; 0 without any."""
        wrong = (self.sign != 0) & (self.sign != np.sign(np.nan_to_num(self.truth)))
        return float(wrong.sum() / max((self.sign != 0).sum(), 1))

    @property
    def found(self) -> float:
        """Share of what there is that was found; NaN where there is nothing."""
        size = np.abs(np.nan_to_num(self.truth))
        there = size > size.max(axis=1, keepdims=True) / 2  # what others have beside it is no find
        right = there & (self.sign == np.sign(np.nan_to_num(self.truth)))
        return float(right.sum() / there.sum()) if there.any() else np.nan


def relevance_study(
    rng: np.random.Generator, world: World, n_tasks: int = 8, n_subsets: int = 40
) -> Judged:
    X = np.unique((rng.random((n_subsets, n_tasks)) < 0.5).astype(float), axis=0)
    X = X[X.sum(axis=1) > 1]
    sd = world.loudness(rng, n_tasks)
    noise = sd * world.draw(rng, (world.n_repeats, *X.shape)) * world.uneven(rng, (len(X), 1))
    own = world.own * sd[:, None] * world.draw(rng, (world.n_repeats, n_tasks, n_tasks))
    own *= world.uneven(rng, (n_tasks, n_tasks))
    lasting = world.effects(rng, sd, n_tasks)
    Y = noise + np.einsum("ns,rts->rnt", X, own + lasting)
    found = relevance(X, np.where(X == 1, Y, np.nan), fdr=FDR)
    return Judged(_off(lasting), found.low, found.high, found.verdict)


def stattag_study(rng: np.random.Generator, world: World, n_tasks: int = 10) -> Judged:
    base, more, lasting = _grid(rng, world, n_tasks)
    found = pairwise_effects(base, more, fdr=FDR)
    return Judged(_off(_beside(lasting)), found.low.T, found.high.T, found.verdict.T)


def given_study(rng: np.random.Generator, world: World, n_tasks: int = 10) -> Judged:
    base, more, lasting = _grid(rng, world, n_tasks)
    found = domain_effects(base, more, fdr=FDR)[0]
    truth = np.nanmean(_off(_beside(lasting)), axis=0)
    parts = (truth, found.low, found.high, found.verdict)
    return Judged(*(part[:, None] for part in parts))


def interval_study(rng: np.random.Generator, world: World, n: int = 30) -> Judged:
    """`paired_interval`, each by itself: without effects one of them is looked at."""
    sd = world.loudness(rng, n)
    lasting = world.effects(rng, sd, 1)
    found = paired_interval(lasting[:, 0] + sd * world.draw(rng, (world.n_repeats, n)))
    decided = np.where(found.estimate > 0, "helps", "hurts")
    seen = np.ones(n, dtype=bool) if world.planted else np.arange(n) == rng.integers(n)
    verdict = np.where((found.p_value <= FDR) & seen, decided, "")
    return Judged(lasting, found.low[:, None], found.high[:, None], verdict[:, None])


def grouping_study(rng: np.random.Generator, world: World, n_tasks: int = 10) -> Judged:
    sd = world.loudness(rng, n_tasks)
    scores = sd * world.draw(rng, (world.n_repeats, 5, n_tasks))
    lasting = world.effects(rng, sd, 4)
    scores[:, 1:] -= lasting.T  # the first is compared with the others, and wins by as much
    names, tasks = [f"g{i}" for i in range(5)], [f"t{i}" for i in range(n_tasks)]
    found = compare_groupings(scores, names, tasks)[1]
    parts = (found[name].to_numpy().reshape(4, n_tasks).T for name in ("low", "high", "verdict"))
    return Judged(lasting, *parts)


def exchange_study(rng: np.random.Generator, world: World) -> Judged:
    """Exchange rates of labels; effects are of `planted` labels of the target's own each."""
    rates = world.planted * (rng.random((N_LABELLED, N_LABELLED)) < 1 / ONE_IN)
    np.fill_diagonal(rates, 0.0)  # a label of one's own is worth one
    tables = _label_tables(rng, world, rates, np.ones(N_LABELLED))[0]
    pairs = tables.exchange_rates
    square = np.full((4, N_LABELLED, N_LABELLED), np.nan)
    values = pairs[["exchange_rate", "low", "high"]].to_numpy(float).T
    square[:3, pairs["target"].astype(int), pairs["source"].astype(int)] = values
    return Judged(_off(rates), *square[1:3], interval_verdicts(*square[:3], FDR))


def next_labels_study(rng: np.random.Generator, world: World) -> Judged:
    """Gains of labels; without effects none of any task do anything to any score."""
    matter = (rng.random(N_LABELLED) < 0.5) * float(world.planted > 0)
    tables, gain = _label_tables(rng, world, np.zeros((N_LABELLED,) * 2), matter)
    table = tables.next_labels.sort_values("task", key=lambda names: names.astype(int))
    parts = table[["gain", "low", "high"]].to_numpy(float).T
    verdict = interval_verdicts(*parts, FDR)
    return Judged(gain[:, None], *(part[:, None] for part in (parts[1], parts[2], verdict)))


STUDIES: dict[str, Callable[[np.random.Generator, World], Judged]] = {
    "relevance": relevance_study,
    "stattag": stattag_study,
    "given": given_study,
    "paired_interval": interval_study,
    "compare_groupings": grouping_study,
    "exchange_rates": exchange_study,
    "next_labels": next_labels_study,
}
# Effects that are planted, in units of the noise, and of exchange rates in labels.
PLANTED = {"relevance": 1.0, "given": 3.0, "exchange_rates": 0.5, "next_labels": 1.0}
PLANTED |= dict.fromkeys(("stattag", "paired_interval", "compare_groupings"), 4.0)

N_LABELLED = 6
_NOISE, _OFFSET, _FOLD = 0.006, 0.01, 100.0


def _label_tables(
    rng: np.random.Generator, world: World, rates: np.ndarray, matter: np.ndarray
) -> tuple[LabelTables, np.ndarray]:
    """Tables of a study of six tasks, quiet to loud, and the true gains of 100 labels, (K,).

    `rates` (K, K) are labels of the target that one of the source is worth; labels of tasks that do
    not `matter` do nothing.
    """
    n = N_LABELLED
    turns = rotations(8, 3, 2, world.n_repeats, 0)
    subsets = random_subsets(n, 15, 2, n - 1, seed=int(rng.integers(1000)))
    fits = [*subset_fits(n, 2, subsets, turns), *augmentations(n, (1, 2), turns)]
    labels = rng.poisson(_FOLD * np.exp(rng.normal(0, 0.3, n))[:, None], (n, 8)) + 5
    counts = np.stack([fit.allocation.counts(labels) for fit in fits])
    discounts = (rates + np.eye(n)) * (matter / (3 * _FOLD))[:, None]
    sd = world.loudness(rng, n)
    noise = _NOISE * sd * world.draw(rng, counts.shape) * world.uneven(rng, counts.shape)
    seen = Observations(tuple(fits), counts, np.full(counts.shape, np.nan))
    luck = _OFFSET * rng.normal(size=(int(seen.blocks.max()) + 1, n))
    scores = _curve(counts, discounts) + np.take_along_axis(luck, seen.blocks, 0) + noise
    scores = np.minimum(scores, 1.0)
    scores[counts == 0] = np.nan
    seen = Observations(seen.fits, counts, scores)
    tables = LabelTables.of(seen, [str(task) for task in range(n)], 2, 0)
    if tables.reason:
        raise ValueError(tables.reason)
    now = tables.next_labels.set_index("task").loc[[str(i) for i in range(n)], "n_labels"]
    more = now.to_numpy(float) + 100 * np.eye(n)
    gain = (_curve(more, discounts) - _curve(now.to_numpy(float)[None], discounts)).mean(axis=1)
    return tables, gain


def _curve(counts: np.ndarray, discounts: np.ndarray) -> np.ndarray:
    return np.asarray(0.88 - np.exp(-1.2 - counts @ discounts.T))


def _grid(
    rng: np.random.Generator, world: World, n_tasks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a statTAG grid without and with one fold more, and what lasts (K, K)."""
    sd = world.loudness(rng, n_tasks)
    base = sd * world.draw(rng, (world.n_repeats, 1, n_tasks))
    more = sd * world.uneven(rng, (n_tasks, n_tasks))
    more = more * world.draw(rng, (world.n_repeats, 1, n_tasks, n_tasks))
    lasting = world.effects(rng, sd, n_tasks)
    return base, more + lasting.T, lasting


def _beside(effects: np.ndarray) -> np.ndarray:
    """Effects [target, source] beside the mean of those of the target's other sources."""
    others = np.where(np.eye(len(effects), dtype=bool), 0.0, effects)
    return effects - (others.sum(axis=1, keepdims=True) - others) / (len(effects) - 2)


def _off(square: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(square), dtype=bool), np.nan, square)
