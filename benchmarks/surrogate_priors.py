"""Surrogates that begin from gradient affinities, by the number of measured subsets (ETAP)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cotrain.analysis import affinity_table
from cotrain.gradients import load_records
from cotrain.means import mean_known
from cotrain.study import Study
from cotrain.surrogates import (
    AffinitySurrogate,
    LinearSurrogate,
    average_repeats,
    fit_surrogates,
    spearman_by_target,
)
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskTable
from cotrain.training import load_fit_table
from surrogate_fits import FitResult, mean_of_members, read_scores

Array = NDArray[np.float64]
SIZES, N_SPLITS = (6, 8, 10, 15, 20, 30, 45, 90, 150), 20


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """Spearman on held-out subsets in repeats that were not learnt from, mean over targets."""
    score = study.settings.analyze.score
    scores = read_scores(load_fit_table(study.fits("subsets")), score)
    tasks = TaskTable.load(study.table).tasks
    pairs = affinity_table(load_records(study.affinity), tasks)
    known = {name: pair_matrix(pairs, tasks, name) for name in ("affinity", "cosine")}
    rows = []
    least = 5 / scores.X.mean()  # a target needs four scores
    for size in (size for size in SIZES if least <= size <= 0.75 * len(scores.X)):
        found = pd.DataFrame([_split(scores, known, size, seed) for seed in range(N_SPLITS)])
        gain = found["from affinity"] - found["linear"]
        rows.append(
            {"subsets": size} | found.mean().to_dict() | {"splits that gain": (gain > 0).mean()}
        )
    return {f"Learnt from few subsets, {score}": pd.DataFrame(rows)}


def _split(scores: FitResult, known: dict[str, Array], size: int, seed: int) -> dict[str, float]:
    """Learnt from `size` subsets in half of the repeats, judged by the others in the other half."""
    rng = np.random.default_rng(seed)
    order, half = rng.permutation(len(scores.X)), rng.permutation(len(scores.Y)) % 2 == 0
    train, test = order[:size], order[size:]
    measured = average_repeats(scores.Y[~half][:, test])[0]
    models = {"linear": LinearSurrogate()} | {
        f"from {name}": AffinitySurrogate(pairs) for name, pairs in known.items()
    }
    said = {
        name: fit_surrogates(scores.X[train], scores.Y[half][:, train], model).predict(
            scores.X[test]
        )
        for name, model in models.items()
    }
    said |= {f"{name} alone": mean_of_members(scores.X[test], known[name]) for name in known}
    return {
        name: float(mean_known(spearman_by_target(predicted, measured)))
        for name, predicted in said.items()
    }
