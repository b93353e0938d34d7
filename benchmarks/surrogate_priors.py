"""Surrogates that begin from gradient affinities, by the number of measured subsets (ETAP)."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cotrain.analysis import affinity_table
from cotrain.gradients import load_records
from cotrain.means import mean_known
from cotrain.reliability import paired_interval
from cotrain.study import Study
from cotrain.surrogates import average_repeats, spearman_by_target
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable
from cotrain.training import load_fit_table
from lab.affinity_prior import predict_with
from surrogate_fits import FitResult, read_scores

Array = NDArray[np.float64]
SIZES, N_SPLITS = (6, 10, 20, 40), 10
ALONE = " alone"


def tables(study: Study, score: str = "log_loss") -> dict[str, pd.DataFrame]:
    """Spearman with held-out subsets in repeats that were not learnt from, mean over targets."""
    scores = read_scores(load_fit_table(study.fits("subsets")), score)
    table = TaskTable.load(study.table)
    pairs = affinity_table(load_records(study.affinity), table.tasks)
    known = {name: pair_matrix(pairs, table.tasks, name) for name in ("affinity", "cosine")}
    known["labels"] = np.tile(table.label_counts.sum(axis=1), (table.n_tasks, 1)).astype(float)
    return {"Learnt from few subsets": learnt(scores, known)}


def learnt(scores: FitResult, known: dict[str, Array]) -> pd.DataFrame:
    rows = []
    n = len(scores.X)
    for size in (*(s for s in SIZES if s < 0.75 * n), int(0.75 * n)):
        found = pd.DataFrame([_split(scores, known, size, seed) for seed in range(N_SPLITS)])
        gains = found.sub(found["none"], axis=0)
        row = {"subsets": size}
        for name in found:
            low_high = paired_interval(gains[name].to_numpy()[:, None])
            row[name] = f"{found[name].mean():.3f}"
            if name != "none" and not name.endswith(ALONE):
                row[name] += f" ({low_high.low[0]:+.3f} to {low_high.high[0]:+.3f})"
        rows.append(row)
    return pd.DataFrame(rows)


def _split(scores: FitResult, known: dict[str, Array], size: int, seed: int) -> dict[str, float]:
    """Learnt from `size` subsets in half of the repeats, judged by the others in the other half."""
    order = np.random.default_rng(seed).permutation(len(scores.X))
    first = np.random.default_rng(seed).permutation(len(scores.Y)) < len(scores.Y) / 2
    train, test = order[:size], order[size:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = average_repeats(scores.Y[first][:, train])[0]
        measured = average_repeats(scores.Y[~first][:, test])[0]
        new = scores.X[test]
        said = {"none": predict_with(scores.X[train], seen, None, new)}
        for name, pairs in known.items():
            said[name] = predict_with(scores.X[train], seen, pairs, new)
            said[name + ALONE] = _mean_of_members(new, pairs)
        return {
            name: float(mean_known(spearman_by_target(predicted, measured)))
            for name, predicted in said.items()
        }


def _mean_of_members(X: Array, pairs: Array) -> Array:
    sources = np.where(np.eye(len(pairs), dtype=bool), 0.0, np.nan_to_num(pairs))
    return (X @ sources.T) / np.maximum(X.sum(axis=1, keepdims=True) - X, 1)
