import numpy as np


def transference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share of each task's loss that a lookahead takes away, float64 (S, K).

    Z = 1 − L_after / L_before (arXiv 2010.15413 and 2109.04617, the definition of Z). NaN where a
    task has no labels, or where the ratio is undefined: a loss before that is not positive, or a
    loss that is not finite.

    Parameters
    ----------
    before : ndarray, (K,)
        Losses at the present parameters, NaN for tasks without labels.
    after : ndarray, (S, K)
        Losses after the step of each source.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    is_defined = (before > 0) & np.isfinite(before) & np.isfinite(after)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(is_defined, 1 - after / before, np.nan)


def cosines(gram: np.ndarray) -> np.ndarray:
    """Cosines between vectors of inner products `gram` (K, K); NaN for vectors of length zero."""
    lengths = np.sqrt(np.diagonal(gram))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = gram / (lengths[:, None] * lengths)
    return np.where(np.isfinite(cosine), np.clip(cosine, -1, 1), np.nan)


def mean_over_records(history: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is there; NaN where nothing is."""
    seen = ~np.isnan(history)
    counts = seen.sum(axis=0)
    sums = np.where(seen, history, 0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
