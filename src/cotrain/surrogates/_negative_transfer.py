import warnings
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.base import BaseEstimator

from cotrain.arrays import Array, Bools
from cotrain.surrogates._scores import DesignWarning, average_repeats, check_design, noise_variance
from cotrain.surrogates._targets import fit_surrogates

_DRAWS = 200  # of the noise-free effects that the oracle knows


@dataclass(frozen=True)
class Classification:
    """How well negative transfer is told: the positive class is "the subset hurts".

    Attributes
    ----------
    f1, balanced_accuracy, mcc, average_precision : float
        NaN where a figure is not defined, as all but F1 are without both classes in the truth.
    """

    f1: float
    balanced_accuracy: float
    mcc: float
    average_precision: float


def classify(negative: Bools, decision: Bools, probability: Array) -> Classification:
    """The figures of decisions, and of the probabilities behind them, against the truth.

    `negative` (n,) says whether each subset hurt, `decision` whether it was said to, and
    `probability` how probable it was held to be; only its order counts.
    """
    tp = np.count_nonzero(negative & decision)
    fp = np.count_nonzero(~negative & decision)
    fn = np.count_nonzero(negative & ~decision)
    tn = len(negative) - tp - fp - fn
    f1 = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan
    if tp + fn == 0 or fp + tn == 0:
        return Classification(f1, np.nan, np.nan, np.nan)
    balanced = 0.5 * (tp / (tp + fn) + tn / (tn + fp))
    counts = (np.array(count, dtype=np.float64) for count in (tp, fp, fn, tn))
    precision = _average_precision(negative, probability)
    return Classification(f1, balanced, float(_mcc(*counts)), precision)


def best_threshold(negative: Bools, probability: Array) -> float:
    """The probability from which on "hurts" has the highest MCC on these subsets.

    All thresholds that make a difference are tried, midpoints between neighbouring probabilities;
    of equal ones the one nearest to 0.5 is taken.

    Parameters
    ----------
    negative : ndarray of bool, shape (n,)
        Whether each subset hurt.
    probability : ndarray, shape (n,)
        How probable it is held to be.

    Raises
    ------
    ValueError
        If the subsets are of one class only, so that every threshold is as good as any other.
    """
    if len(np.unique(negative)) < 2:
        raise ValueError("negative must hold both classes, or no threshold can be chosen")
    values = np.unique(probability)
    tried = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [1.0]])
    order = np.argsort(probability, kind="stable")
    below = np.searchsorted(probability[order], tried, side="left")
    hurt = np.concatenate([[0.0], np.cumsum(negative[order])])
    false_negatives = hurt[below]
    true_negatives = below - false_negatives
    true_positives = hurt[-1] - false_negatives
    false_positives = (len(negative) - hurt[-1]) - true_negatives
    score = _mcc(true_positives, false_positives, false_negatives, true_negatives)
    best = np.flatnonzero(score >= score.max() - 1e-12)
    return float(tried[best[np.argmin(np.abs(tried[best] - 0.5))]])


def _average_precision(negative: Bools, probability: Array) -> float:
    # scikit-learn's definition; its checks would dominate the oracle's hundreds of draws.
    order = np.argsort(-probability, kind="stable")
    last_of_ties = np.append(np.diff(probability[order]) != 0, True)
    hits = np.cumsum(negative[order])[last_of_ties]
    said = np.flatnonzero(last_of_ties) + 1
    return float(np.sum(np.diff(hits, prepend=0) * hits / said) / hits[-1])


def _mcc(tp: Array, fp: Array, fn: Array, tn: Array) -> Array:
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.maximum(product, 1)), 0.0)


@dataclass(frozen=True)
class NegativeTransfer:
    """Which held-out subsets hurt which target: what was said, what was measured.

    Attributes
    ----------
    probability : ndarray, shape (n_held_out, n_tasks)
        That the subset hurts the target; NaN where the target is not scored.
    negative : ndarray of bool, shape (n_held_out, n_tasks)
        Whether the measured effect is negative.
    scored : ndarray of bool, shape (n_held_out, n_tasks)
        Where there is a measurement and a surrogate; nothing else counts.
    threshold : float
        The probability from which on a subset is said to hurt; chosen on validation subsets.
    figures : dict
        Figures by predictor: "surrogate", the trivial predictors "always", "never",
        "prior-random" and "majority" (of each target), and, with repeats, "ceiling": an oracle
        that knows the noise-free effects.
    held_out : ndarray of int, shape (n_held_out,)
        Row numbers of the held-out subsets.
    """

    probability: Array
    negative: Bools
    scored: Bools
    threshold: float
    figures: dict[str, Classification]
    held_out: NDArray[np.intp]

    def to_frame(self) -> pd.DataFrame:
        """One row for each predictor, one column for each figure."""
        rows = {name: asdict(figures) for name, figures in self.figures.items()}
        columns = [figure.name for figure in fields(Classification)]
        frame = pd.DataFrame.from_dict(rows, orient="index")
        return frame.reindex(columns=columns).rename_axis("predictor")


def identify_negative_transfer(
    X: ArrayLike,
    effects: ArrayLike,
    *,
    surrogate: BaseEstimator | None = None,
    held_out: float = 0.25,
    random_state: int = 0,
) -> NegativeTransfer:
    """Held-out subsets that hurt a target, told by surrogates, beside what anyone could tell.

    The subsets are split at random: training, validation (as large as the held-out part; chooses
    the threshold) and held-out (judged once). After the threshold is chosen, the surrogates learn
    from training and validation subsets together. Where all or none of the validation subsets
    hurt, nothing can be chosen and the threshold is 0.5.

    Parameters
    ----------
    X : array, shape (n_subsets, n_tasks)
        1 where the subset holds the task, else 0.
    effects : array, shape (n_subsets, n_tasks) or (n_repeats, n_subsets, n_tasks)
        Gains over single-task training, as `paired_effects` gives; NaN where not scored.
    surrogate : estimator, optional
        `LinearSurrogate()` if not given. It must predict with `return_std`.
    held_out : float
        Share of the subsets to judge on.
    random_state : int
        Seed of the split and the draws.

    Raises
    ------
    ValueError
        If an argument is out of its range, or no subset is scored in one of the parts.
    """
    if not 0 < held_out < 0.5:
        raise ValueError(f"held_out must be between 0 and 0.5, got {held_out}")
    X, mean, _ = check_design(X, effects)
    effects = np.asarray(effects, dtype=np.float64)
    rng = np.random.default_rng(random_state)
    train, validation, test = _split(len(X), held_out, rng)

    probability = _predict(X, effects, surrogate, train, validation)
    known = ~np.isnan(probability) & ~np.isnan(mean[validation])
    if not known.any():
        raise ValueError(
            "X must have enough subsets for a surrogate with a known error on the validation part; "
            'train more subsets, or use LinearSurrogate(ridge="evidence")'
        )
    hurt = mean[validation][known] < 0
    threshold = 0.5  # more probable than not: what is left where all or none of them hurt
    if hurt.any() and not hurt.all():
        threshold = best_threshold(hurt, probability[known])

    fitted = np.sort(np.concatenate([train, validation]))
    probability = _predict(X, effects, surrogate, fitted, test)
    scored = ~np.isnan(probability) & ~np.isnan(mean[test])
    if not scored.any():
        raise ValueError(f"held_out must leave scored subsets to judge on, got {held_out}")
    probability = np.where(scored, probability, np.nan)
    negative = scored & (mean[test] < 0)
    said = probability[scored]
    figures = {"surrogate": classify(negative[scored], said >= threshold, said)}
    figures |= _trivial(mean[fitted], negative, scored)
    if effects.ndim == 3 and len(effects) > 1:
        figures["ceiling"] = _ceiling(effects[:, test], scored, rng)
    return NegativeTransfer(probability, negative, scored, threshold, figures, test)


def _split(n: int, held_out: float, rng: np.random.Generator) -> tuple[NDArray[np.intp], ...]:
    n_part = round(n * held_out)
    if n_part < 1 or n - 2 * n_part < 4:
        raise ValueError(f"X must have enough subsets to split, got {n} with held_out = {held_out}")
    order = rng.permutation(n)
    parts = np.split(order, [n - 2 * n_part, n - n_part])
    return tuple(np.sort(part) for part in parts)


def _predict(
    X: Array,
    effects: Array,
    surrogate: BaseEstimator | None,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> Array:
    """Probability of a negative effect on the test rows."""
    with warnings.catch_warnings():
        # The whole design was checked before; its parts lack a little more, as `scored` shows.
        warnings.simplefilter("ignore", DesignWarning)
        models = fit_surrogates(X[train], effects[..., train, :], surrogate)
    mean, std = models.predict(X[test]), models.predict_std(X[test])
    return stats.t.cdf(-mean / std, models.dof)


def _trivial(effects: Array, negative: Bools, scored: Bools) -> dict[str, Classification]:
    """What predictors that do not look at the subset reach on the scored entries."""
    truth = negative[scored]
    known = ~np.isnan(effects)
    rate = np.sum(effects < 0, axis=0) / np.maximum(known.sum(axis=0), 1)  # of each target
    by_target = np.broadcast_to(rate, scored.shape)[scored]
    constant = np.full(len(truth), 0.5)
    # Guesses at the rate at which effects are negative: F1 is that of the expected counts.
    prior, prevalence = float(np.mean(effects[known] < 0)), float(np.mean(truth))
    f1 = 2 * prior * prevalence / (prior + prevalence) if prior + prevalence > 0 else np.nan
    others = (0.5, 0.0, prevalence) if 0 < prevalence < 1 else (np.nan, np.nan, np.nan)
    return {
        "always": classify(truth, constant > 0, constant),
        "never": classify(truth, constant < 0, constant),
        "prior-random": Classification(f1, *others),
        "majority": classify(truth, by_target > 0.5, by_target),
    }


def _ceiling(effects: Array, scored: Bools, rng: np.random.Generator) -> Classification:
    """What an oracle would reach that knows the effects without their noise.

    For each target the measured effects are split into signal and noise variance by the spread of
    the repeats; noise-free effects are drawn given the measured ones.
    """
    mean, counts = average_repeats(effects)
    noise = noise_variance(effects)[0] / np.maximum(counts, 1)  # (n_subsets, n_tasks)
    mean, noise = np.where(scored, mean, np.nan), np.where(scored, noise, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # targets without any score stay NaN
        centre = np.nanmean(mean, axis=0)
        signal = np.maximum(np.nanvar(mean, axis=0, ddof=1) - np.nanmean(noise, axis=0), 0.0)
    share = signal / (signal + noise)
    expected, spread = centre + share * (mean - centre), np.sqrt(share * noise)
    usable = scored & ~np.isnan(expected)
    if not usable.any():
        return Classification(np.nan, np.nan, np.nan, np.nan)
    negative = mean[usable] < 0
    figures = []
    for _ in range(_DRAWS):
        truth = expected[usable] + spread[usable] * rng.standard_normal(negative.size)
        figures.append(astuple(classify(negative, truth < 0, -truth)))
    return Classification(*np.mean(figures, axis=0).tolist())
