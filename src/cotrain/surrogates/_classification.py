from dataclasses import dataclass

import numpy as np

from cotrain.arrays import Array, Bools


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


def random_guess(negative: Bools, rate: float) -> Classification:
    """What is expected of guesses that say "hurts" at a rate, whatever the subset.

    F1 is that of the expected counts, 2 q p / (q + p) with the rate q and the prevalence p.
    """
    prevalence = float(np.mean(negative))
    f1 = 2 * rate * prevalence / (rate + prevalence) if rate + prevalence > 0 else np.nan
    if prevalence in (0.0, 1.0):
        return Classification(f1, np.nan, np.nan, np.nan)
    return Classification(f1, 0.5, 0.0, prevalence)


def best_threshold(negative: Bools, probability: Array) -> float:
    """The probability from which on "hurts" has the highest MCC on these subsets.

    All thresholds that make a difference are tried, midpoints between neighbouring probabilities;
    of equal ones the one nearest to 0.5 is taken. The arguments are those of `classify`.

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
