"""Tables of the transfer model: what labels of one task are worth to another, and to all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cotrain.analysis._observations import Observations
from cotrain.curves import TransferModel
from cotrain.tables import TABLES, pair_frame

# The gain in the table is that of so many labels.
_N_LABELS = 100
# Above this, shared directions are not tried: each fold of the choice would fit every task anew.
_MAX_SHARED = 100


@dataclass(frozen=True, eq=False)
class LabelTables:
    """Exchange rates of labels, where the next ones pay, or why neither is known."""

    exchange_rates: pd.DataFrame  # one row a pair of target and source; empty if there is no model
    next_labels: pd.DataFrame  # one row a task, the highest gain first; empty if there is no model
    reason: str  # why there is no model; empty if there is one

    @classmethod
    def of(cls, seen: Observations, tasks: Sequence[str], level: int, seed: int) -> "LabelTables":
        """Fit the model to all fits; labels are at hand as in fits of all tasks at `level`.

        Fits that differ in seed alone enter as one: their counts are the same, and with 240 tasks
        and four seeds that is a quarter of the time.
        """
        seen = seen.over_seeds()
        ranks = (0, 1, 2) if len(tasks) <= _MAX_SHARED else (0,)
        model = TransferModel(ranks=ranks, random_state=seed)
        try:
            model.fit(seen.counts, seen.scores, seen.blocks, tasks=tasks)
            counts = _counts_at(seen, level)
        except ValueError as error:
            return cls(TABLES["exchange_rates"].empty(), TABLES["next_labels"].empty(), str(error))
        is_told = _told(seen)
        return cls(_rates(model, tasks, is_told), _gains(model, tasks, counts, is_told), "")


def _counts_at(seen: Observations, level: int) -> np.ndarray:
    """Labels of each task at a level, the mean over repeats, (K,)."""
    n_tasks = seen.counts.shape[1]
    rows = [
        fit.level == level and fit.auxiliary is None and len(fit.members) == n_tasks
        for fit in seen.fits
    ]
    if not any(rows):
        raise ValueError(f"no fit of all tasks at level {level}")
    return np.asarray(seen.counts[rows].mean(axis=0))


def _told(seen: Observations) -> np.ndarray:
    """Whether fits that score a target differ in a source's labels, [target, source].

    Within a repeat: other repeats have other evaluation labels as well.
    """
    n_tasks = seen.counts.shape[1]
    repeats = np.array([fit.repeat for fit in seen.fits])
    told = np.zeros((n_tasks, n_tasks), dtype=bool)
    for repeat in np.unique(repeats):
        for target, scored in enumerate(np.isfinite(seen.scores.T) & (repeats == repeat)):
            if scored.any():
                told[target] |= np.ptp(seen.counts[scored], axis=0) > 0
    return told


def _rates(model: TransferModel, tasks: Sequence[str], is_told: np.ndarray) -> pd.DataFrame:
    """A rate is unknown where the fits tell nothing of the source, or of the target's own labels.

    The model then has what other pairs suggest, and no more.
    """
    known = is_told & np.diag(is_told)[:, None]
    low, high = np.moveaxis(model.exchange_rate_intervals(), 2, 0)
    rates = {"exchange_rate": model.exchange_rates_, "low": low, "high": high}
    columns = {name: np.where(known, rate, np.nan) for name, rate in rates.items()}
    return pair_frame(tasks, columns)


def _gains(
    model: TransferModel, tasks: Sequence[str], counts: np.ndarray, is_told: np.ndarray
) -> pd.DataFrame:
    worth, own = model.label_worth(counts, _N_LABELS), np.diag(is_told)
    gain, low, high = (np.where(own, values, np.nan) for values in worth)
    columns = {"task": tasks, "n_labels": counts, "gain": gain, "low": low, "high": high}
    frame = pd.DataFrame(columns)
    frame["rank"] = frame["gain"].rank(ascending=False, method="first").astype("Int64")
    return frame.sort_values("rank", kind="stable")
