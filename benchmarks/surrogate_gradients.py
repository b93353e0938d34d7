"""Scores estimated without retraining (Grad-TAG) against real trainings of a study."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from surrogate_fits import read_scores

from cotrain.affinity import OutputGradients, output_gradients
from cotrain.allocation import Plan
from cotrain.reliability import split_half_reliability
from cotrain.study import Study
from cotrain.surrogates import (
    average_repeats,
    fit_surrogates,
    gradient_estimate,
    spearman_by_target,
)
from cotrain.tasks import TaskTable
from cotrain.training import Journal, load_fit_table

Array = NDArray[np.float64]
N_DIRECTIONS, RIDGES = (50, 200), (10.0, 100.0, 1000.0)


def tables(study: Study) -> dict[str, pd.DataFrame]:
    return {"Without retraining": gradient(study)}


def gradient(study: Study) -> pd.DataFrame:
    """Spearman with the measured mean over repeats, and seconds, beside trained surrogates."""
    plan = Plan.load(study.plan("subsets"))
    scores = read_scores(load_fit_table(study.fits("subsets")))
    measured = average_repeats(scores.Y)[0]
    found = split_half_reliability(scores.Y)
    seconds = _seconds(study, plan)
    rows: list[dict[str, Any]] = []
    for n_directions in N_DIRECTIONS:
        gradients, projecting = _timed(lambda n=n_directions: _gradients(study, plan, n))
        for ridge in RIDGES:
            estimates, took = _timed(
                lambda bases=gradients, ridge=ridge: [
                    gradient_estimate(**vars(base), X=scores.X, ridge=ridge).scores
                    for base in bases
                ]
            )
            for n_models in (1, len(estimates)):
                estimate = np.mean(estimates[:n_models], axis=0)
                rows.append(
                    {
                        "estimate": f"Grad-TAG, {n_directions} directions, ridge {ridge:g}, "
                        f"{n_models} base models",
                        "Spearman": float(np.nanmean(spearman_by_target(estimate, measured))),
                        "seconds of training": n_models * projecting / len(estimates),
                        "seconds of estimation": n_models * took / len(estimates),
                    }
                )
    rows += [_trained(scores.X, scores.Y, n, seconds) for n in (25, 50, 100, len(scores.X))]
    rows.append(
        {
            "estimate": "ceiling: the noise-free scores",
            "Spearman": found.ceiling,
            "seconds of training": np.nan,
            "seconds of estimation": np.nan,
        }
    )
    return pd.DataFrame(rows)


def _timed(work: Callable[[], list[Any]]) -> tuple[list[Any], float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _gradients(study: Study, plan: Plan, n_directions: int) -> list[OutputGradients]:
    """Of a base model for each repeat, trained for it."""
    table = TaskTable.load(study.table)
    bases = [fit for fit in plan.fits.values() if fit.kind == "together"]
    model = study.settings.model
    return [output_gradients(table, fit, model, n_directions=n_directions) for fit in bases]


def _trained(X: Array, Y: Array, n_trained: int, seconds: float) -> dict[str, Any]:
    """The linear surrogate of some trained subsets on the others (all: five parts in turn)."""
    order = np.random.default_rng(0).permutation(len(X))
    parts = [order[n_trained:]] if n_trained < len(X) else np.array_split(order, 5)
    predicted = np.full(X.shape, np.nan)
    for test in parts:
        train = np.setdiff1d(order, test)
        predicted[test] = fit_surrogates(X[train], Y[:, train]).predict(X[test])
    tested = np.concatenate(parts)
    measured = average_repeats(Y)[0][tested]
    return {
        "estimate": f"linear surrogate of {len(X) - len(parts[0])} subsets, {len(Y)} repeats",
        "Spearman": float(np.nanmean(spearman_by_target(predicted[tested], measured))),
        "seconds of training": (len(X) - len(parts[0])) * len(Y) * seconds,
        "seconds of estimation": np.nan,
    }


def _seconds(study: Study, plan: Plan) -> float:
    """Mean seconds of a subset's fit, as the study's journal has them."""
    subsets = [key for key, fit in plan.fits.items() if fit.kind == "subset"]
    return float(np.mean(list(Journal(study.journal).seconds(subsets).values())))
