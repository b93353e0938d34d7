"""What a fold more of one task's labels does to another task, with the evidence for it.

Of many tasks, also what the members of a cluster do to each other: one question in place of
hundreds of pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from cotrain.means import mean_known
from cotrain.reliability import (
    CONFIDENCE,
    HELPS,
    HURTS,
    UNDECIDED,
    moderate_variances,
    paired_interval,
    repeats_to_decide,
    verdicts,
)

# So many variances tell how much they scatter; of fewer, they would make certainty of chance.
_ENOUGH_TO_STEADY = 20


@dataclass(frozen=True, eq=False)
class Effects:
    """Paired effects on a score; every array has the shape of the comparison.

    That is (K, K), [auxiliary, target], for pairwise effects, and (K,) for domain-wide ones.

    Attributes
    ----------
    effect : ndarray
        Mean gain in score over levels and repeats; NaN where no repeat has both scores.
    low, high : ndarray
        Its 95 % interval from the spread over repeats, which few repeats do not tell well: the
        variances of a target's effects steady each other, and targets do (`moderate_variances`).
        NaN with fewer than two repeats.
    p_value : ndarray
        Of no effect, two-sided; NaN with fewer than two repeats.
    verdict : ndarray of str
        "helps", "hurts" or "undecided" at the false discovery rate asked for; "unknown" where
        there is no p-value, and empty on the diagonal of pairwise effects.
    repeats_to_decide : ndarray
        Repeats at which an effect of this size and spread is decided with probability 0.8, by a t
        test at the level that one more verdict must pass; infinite where 10,000 are not enough,
        NaN where it is decided or unknown.
    n_repeats : ndarray of int
        Repeats behind each effect.
    """

    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    verdict: np.ndarray
    repeats_to_decide: np.ndarray
    n_repeats: np.ndarray


def pairwise_effects(baseline: np.ndarray, augmented: np.ndarray, *, fdr: float = 0.05) -> Effects:
    """What each auxiliary's extra labels do to each target, beside what the average one's do.

    statTAG (arXiv 2512.24866) subtracts the fit without extra labels, one fit that all auxiliaries
    of a target share: its luck is taken for an effect of each of them. Here the mean over the
    target's other auxiliaries is subtracted, which has little luck left. An effect is thus relative
    to the average auxiliary, positive for one that gives the target more than the others do; what
    the average one gives is left out. With two tasks a target has a single auxiliary, and the fit
    without extra labels is subtracted.

    Parameters
    ----------
    baseline : ndarray, (R repeats, L levels, K)
        Scores of all tasks trained together, NaN where unknown.
    augmented : ndarray, (R, L, K, K)
        [..., auxiliary, target]: scores with one fold more of the auxiliary.
    fdr : float
        False discovery rate of the verdicts. A task's own labels (the diagonal) are reported,
        beside the average auxiliary's as well, but are no part of the K (K − 1) verdicts that
        share the rate.

    Arrays of the result are (K, K), [auxiliary, target]; a ValueError is raised if the shapes do
    not fit.
    """
    gains = gains_of(baseline, augmented)
    off = ~np.eye(gains.shape[-1], dtype=bool)
    if len(off) > 2:
        gains = beside_others(gains, off)
    return judged_effects(gains, off, fdr)


def together_effects(single: np.ndarray, together: np.ndarray, *, fdr: float = 0.05) -> Effects:
    """The effect of training with all other tasks instead of alone, arrays (K,).

    Parameters
    ----------
    single, together : ndarray, (R, L, K)
        Scores of each task trained alone and with all others, at the same levels and repeats.
    """
    if single.shape != together.shape or single.ndim != 3:
        raise ValueError(
            "single and together must have the same shape (R, L, K), "
            f"got {single.shape} and {together.shape}"
        )
    return judged_effects(together - single, np.ones(single.shape[2], dtype=bool), fdr)


def gains_of(baseline: np.ndarray, augmented: np.ndarray) -> np.ndarray:
    """Gain in score by each auxiliary's fold more, (R, L, K, K) [..., auxiliary, target]."""
    baseline, augmented = np.asarray(baseline, dtype=float), np.asarray(augmented, dtype=float)
    if baseline.ndim != 3 or augmented.shape != (*baseline.shape, baseline.shape[-1]):
        raise ValueError(
            "baseline must have shape (R, L, K) and augmented (R, L, K, K), "
            f"got {baseline.shape} and {augmented.shape}"
        )
    return augmented - baseline[:, :, None, :]


def beside_others(gains: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Gains of each target, less their mean over all auxiliaries but the row's and itself."""
    known = np.isfinite(gains) & off
    total = np.where(known, gains, 0.0).sum(axis=2, keepdims=True)
    left = known.sum(axis=2, keepdims=True) - known
    rest = total - np.where(known, gains, 0.0)
    return gains - np.where(left > 0, rest / np.maximum(left, 1), np.nan)


def judged_effects(
    gains: np.ndarray, judged: np.ndarray, fdr: float, steady: bool = True
) -> Effects:
    """Effects of gains (R, L, ...): a repeat counts where all its levels are known.

    With `steady`, the variances of those that are `judged` steady each other.
    """
    plain = paired_interval(gains.mean(axis=1))
    effect, n = plain.estimate, plain.n
    error, degrees = _standard_error(gains.mean(axis=1), effect, n, judged & steady)
    reach = stats.t.ppf(0.5 + CONFIDENCE / 2, np.maximum(degrees, 1e-9))
    with np.errstate(invalid="ignore", divide="ignore"):
        p_value = 2 * stats.t.sf(np.abs(effect / error), degrees)
    p_value = np.where(error == 0, np.where(effect == 0, 1.0, 0.0), p_value)
    verdict = np.where(judged, verdicts(effect, np.where(judged, p_value, np.nan), fdr), "")
    repeats = np.full(effect.shape, np.nan)
    undecided = verdict == UNDECIDED
    if undecided.any():
        spread = error[undecided] * np.sqrt(n[undecided])
        # The p-value that one more verdict must have.
        n_found = np.isin(verdict, (HELPS, HURTS)).sum()
        level = float(fdr * (n_found + 1) / (n_found + undecided.sum()))
        repeats[undecided] = _repeats_wanted(effect[undecided], spread, level)
    return Effects(
        effect, effect - reach * error, effect + reach * error, p_value, verdict, repeats, n
    )


def _repeats_wanted(effect: np.ndarray, spread: np.ndarray, alpha: float) -> np.ndarray:
    """`repeats_to_decide` of many effects: sizes rounded down by at most 1 %, each asked once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.exp(np.floor(100 * np.log(np.abs(effect) / spread)) / 100)
    sizes, place = np.unique(size, return_inverse=True)
    return repeats_to_decide(sizes, np.ones_like(sizes), alpha=alpha)[place].reshape(size.shape)


def _standard_error(
    by_repeat: np.ndarray, effect: np.ndarray, n: np.ndarray, judged: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Standard error and degrees of freedom of each effect, variances steadied by each other.

    Effects that are not judged, of a task's own labels, keep their own.
    """
    deviation = np.where(np.isfinite(by_repeat), by_repeat - effect, 0.0)
    own = np.maximum(n - 1, 0)
    variance = np.square(deviation).sum(axis=0) / np.where(own > 0, own, np.nan)
    shared = np.where(judged, variance, np.nan)
    # Rows are targets, the last axis of the effects.
    steadied, degrees = moderate_variances(shared.T, own.T)
    variance = np.where(judged, steadied.T, variance)
    return np.sqrt(variance / np.maximum(n, 1)), np.where(judged, degrees.T, own)


def cluster_effects(
    baseline: np.ndarray,
    augmented: np.ndarray,
    clusters: Sequence[Sequence[int]],
    *,
    fdr: float = 0.05,
) -> Effects:
    """What a fold more of one member of a cluster does to another member, on average over them.

    Pairs of many tasks are hardly ever decided one by one: the noise of a pair is large, and the
    rate of false verdicts is shared by all of them. A cluster is a single question, whose noise is
    that of the mean over its pairs. Effects are beside what the members give to tasks outside and
    take from them, and these from each other: a fit's luck, which all targets share, is no matter
    of the cluster.

    Parameters
    ----------
    baseline, augmented, fdr
        As in `pairwise_effects`.
    clusters : sequence of sequences of int, (C,)
        Tasks, two or more each, and two or more outside. They must not be chosen by the same
        scores: a cluster of pairs that were lucky together is lucky.

    Arrays of the result are (C,); a ValueError is raised if the shapes do not fit, or a cluster has
    fewer than two tasks.
    """
    if small := [cluster for cluster in clusters if len(set(cluster)) < 2]:
        raise ValueError(f"clusters must have at least two tasks each, got {list(small[0])}")
    gains = gains_of(baseline, augmented)
    inside = np.array([np.isin(np.arange(gains.shape[-1]), cluster) for cluster in clusters])
    beside = np.stack([_beside(gains, tasks) for tasks in inside], axis=2)
    size = inside.sum(axis=1)
    # Variances of means over more pairs are smaller: they steady each other in those of one pair.
    scale = np.sqrt(size * (size - 1.0))
    judged, steady = np.ones(len(scale), dtype=bool), len(scale) >= _ENOUGH_TO_STEADY
    effects = judged_effects(beside * scale, judged, fdr, steady)
    ends = {name: getattr(effects, name) / scale for name in ("effect", "low", "high")}
    return replace(effects, **ends)


def _beside(gains: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean gain within, less that from inside to outside and back, and more that outside, (R, L).

    What a source gives to all and what a target takes from all cancel out.
    """
    off = ~np.eye(len(inside), dtype=bool)
    blocks = [
        mean_known(gains[:, :, off & source[:, None] & target], axis=-1)
        for source, target in (
            (inside, inside), (inside, ~inside), (~inside, inside), (~inside, ~inside),
        )
    ]  # fmt: skip
    return blocks[0] - blocks[1] - blocks[2] + blocks[3]
