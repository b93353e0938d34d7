import warnings

import numpy as np

from cotrain.gradients._measures import cosines, mean_over_records, transference


class History:
    """The records of a fit, and what is averaged over them.

    `AffinityRecorder` states the attributes.
    """

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._affinities: list[np.ndarray] = []
        self._cosines: list[np.ndarray] = []
        self._undefined: np.ndarray | None = None

    def add(
        self,
        step: int,
        before: np.ndarray,
        after: np.ndarray,
        gram: np.ndarray,
        members: np.ndarray,
        divisor: float = 1.0,
    ) -> None:
        """Add the record of one step.

        Parameters
        ----------
        step : int
            The training step, counted from 0.
        before, after : ndarray, (K,) and (S, K)
            Losses before, NaN for tasks without labels, and after the step of each source.
        gram : ndarray, (K, K)
            Inner products of the tasks' gradients by the shared weights; zero without labels.
        members : ndarray of bool, (S, K)
            The tasks of each source.
        divisor : float
            What affinities are divided by.
        """
        labelled = ~np.isnan(before)
        could_be = labelled[:, None] & (members & labelled).any(axis=1)
        could_be &= ~_is_own_source(members)
        affinity = np.where(could_be, transference(before, after).T, np.nan)
        self._count_undefined(could_be & np.isnan(affinity))
        self._steps.append(step)
        self._affinities.append(affinity / divisor)
        self._cosines.append(cosines(gram))

    @property
    def steps(self) -> np.ndarray:
        return np.array(self._steps, dtype=np.int64)

    @property
    def affinities(self) -> np.ndarray:
        """All affinities, (n_records, K, S)."""
        self._check_recorded()
        return np.stack(self._affinities)

    @property
    def cosines(self) -> np.ndarray:
        """All cosines, (n_records, K, K)."""
        self._check_recorded()
        return np.stack(self._cosines)

    @property
    def affinity(self) -> np.ndarray:
        return mean_over_records(self.affinities)

    @property
    def cosine(self) -> np.ndarray:
        return mean_over_records(self.cosines)

    @property
    def counts(self) -> np.ndarray:
        return (~np.isnan(self.affinities)).sum(axis=0)

    @property
    def undefined(self) -> np.ndarray:
        self._check_recorded()
        assert self._undefined is not None
        return self._undefined.copy()

    def _count_undefined(self, undefined: np.ndarray) -> None:
        if self._undefined is None:
            self._undefined = np.zeros(undefined.shape, dtype=np.int64)
        if undefined.any() and not self._undefined.any():
            warnings.warn(
                f"{undefined.sum()} affinities of this batch are undefined, for a loss is not "
                "positive or not finite, and are missing from the mean; they are counted from here "
                "on in silence",
                UserWarning,
                stacklevel=5,
            )
        self._undefined += undefined

    def _check_recorded(self) -> None:
        if not self._steps:
            raise ValueError("nothing is recorded yet; call `step` with each batch first")


def _is_own_source(members: np.ndarray) -> np.ndarray:
    """Where a source is the recipient alone, bool (K, S)."""
    return (members & (members.sum(axis=1, keepdims=True) == 1)).T
