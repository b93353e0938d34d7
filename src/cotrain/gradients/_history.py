import warnings

import numpy as np

from cotrain.means import mean_known


class History:
    """The records of a fit, and what is averaged over them.

    Attributes
    ----------
    affinity_ : ndarray, (K, S)
        Mean over the records of `[recipient, source]`; NaN where the pair was never seen, and for a
        task as its own source, which means nothing (2109.04617, appendix B.4).
    counts_ : ndarray of int64, (K, S)
        Number of records in each mean.
    undefined_ : ndarray of int64, (K, S)
        Number of records where both had labels but the ratio was undefined.
    cosine_ : ndarray, (K, K)
        Mean cosine between the tasks' gradients by the shared weights (matrices, not biases).
    history_ : ndarray, (n_records, K, S)
        The affinity of each record, NaN where missing.
    steps_ : ndarray of int64, (n_records,)
        The training step of each record, counted from 0.
    """

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._affinities: list[np.ndarray] = []
        self._cosines: list[np.ndarray] = []
        self._undefined: list[np.ndarray] = []

    def add_record(
        self,
        step: int,
        before: np.ndarray,
        after: np.ndarray,
        gram: np.ndarray,
        members: np.ndarray,
        divisor: float = 1.0,
    ) -> None:
        """Add the record of one step.

        Of losses `before`, (K,), NaN for tasks without labels, and `after` the step of each source,
        (S, K); `gram`, (K, K), the inner products of the tasks' gradients by the shared weights,
        zero without labels; and the `members` of each source, bool (S, K).
        """
        labelled = ~np.isnan(before)
        could_be = labelled[:, None] & (members & labelled).any(axis=1)
        alone = members.sum(axis=1, keepdims=True) == 1  # a source that is the recipient itself
        could_be &= ~(members & alone).T
        affinity = np.where(could_be, transference(before, after).T, np.nan)
        undefined = could_be & np.isnan(affinity)
        if undefined.any() and not np.any(self._undefined):
            warnings.warn(
                f"{undefined.sum()} affinities of this batch are undefined, for a loss is not "
                "positive or not finite, and are missing from the mean; they are counted from here "
                "on in silence",
                UserWarning,
                stacklevel=4,
            )
        self._undefined.append(undefined)
        self._steps.append(step)
        self._affinities.append(affinity / divisor)
        self._cosines.append(cosines(gram))

    @property
    def steps_(self) -> np.ndarray:
        return np.array(self._steps, dtype=np.int64)

    @property
    def history_(self) -> np.ndarray:
        return _stacked(self._affinities)

    @property
    def affinity_(self) -> np.ndarray:
        return mean_known(self.history_)

    @property
    def cosine_(self) -> np.ndarray:
        return mean_known(_stacked(self._cosines))

    @property
    def counts_(self) -> np.ndarray:
        return (~np.isnan(self.history_)).sum(axis=0)

    @property
    def undefined_(self) -> np.ndarray:
        return _stacked(self._undefined).sum(axis=0)


def _stacked(records: list[np.ndarray]) -> np.ndarray:
    if not records:
        raise ValueError("nothing is recorded yet; call `step` with each batch first")
    return np.stack(records)


def transference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Share of each task's loss that a lookahead takes away, float64 (S, K).

    Z = 1 − L_after / L_before (arXiv 2010.15413 and 2109.04617, the definition of Z), of losses
    before, (K,), and after the step of each source, (S, K). NaN where a task has no labels, or
    where the ratio is undefined: a loss before that is not positive, or a loss that is not finite.
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
