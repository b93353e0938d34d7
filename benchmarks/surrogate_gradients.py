"""Scores estimated without retraining (Grad-TAG) against real trainings of a study."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cotrain.allocation import Plan
from cotrain.reliability import split_half_reliability
from cotrain.study import Study
from cotrain.surrogates import average_repeats, fit_surrogates, spearman_by_target
from cotrain.tasks import TaskTable
from cotrain.training import Journal, load_fit_table
from lab.gradient_estimate import gradient_estimate
from lab.output_gradients import OutputGradients, output_gradients
from surrogate_fits import read_scores

Array = NDArray[np.float64]
# Directions with their ridges; subsets that are estimated; base models, which differ in the seed.
SETTINGS = {50: (1.0, 10.0, 100.0), 200: (1.0, 10.0), 500: (1.0, 10.0)}
N_SUBSETS, N_MODELS = 100, 2


def tables(study: Study) -> dict[str, pd.DataFrame]:
    return {"Without retraining": gradient(study)}


def gradient(study: Study) -> pd.DataFrame:
    """Spearman with the measured mean over repeats, and processor seconds, beside surrogates."""
    plan = Plan.load(study.plan("subsets"))
    scores = read_scores(load_fit_table(study.fits("subsets")))
    judged = np.random.default_rng(0).permutation(len(scores.X))
    judged = judged[: min(N_SUBSETS, len(judged) // 2)]
    measured = average_repeats(scores.Y)[0][judged]
    rows: list[dict[str, Any]] = []
    for n_directions, ridges in SETTINGS.items():
        bases, training = _timed(lambda n=n_directions: _gradients(study, plan, n))
        for ridge in ridges:
            estimates, estimation = _timed(
                lambda bases=bases, ridge=ridge: [
                    gradient_estimate(**vars(base), X=scores.X[judged], ridge=ridge).scores
                    for base in bases
                ]
            )
            for n_models in range(1, N_MODELS + 1):
                estimate = np.mean(estimates[:n_models], axis=0)
                name = f"{n_directions} directions, ridge {ridge:g}, base models: {n_models}"
                rows.append(
                    {
                        "estimate": f"Grad-TAG, {name}",
                        "Spearman": float(np.nanmean(spearman_by_target(estimate, measured))),
                        "seconds of training": n_models * training / N_MODELS,
                        "seconds a subset": n_models * estimation / N_MODELS / len(judged),
                    }
                )
    seconds = _seconds(study, plan)
    others = np.setdiff1d(np.arange(len(scores.X)), judged)
    for n in (25, 50, 100):
        models = fit_surrogates(scores.X[others[:n]], scores.Y[:, others[:n]])
        predicted = models.predict(scores.X[judged])
        rows.append(
            {
                "estimate": f"linear surrogate of {min(n, len(others))} other subsets",
                "Spearman": float(np.nanmean(spearman_by_target(predicted, measured))),
                "seconds of training": min(n, len(others)) * len(scores.Y) * seconds,
                "seconds a subset": 0.0,
            }
        )
    reliability = split_half_reliability(scores.Y[:, judged], n_bootstrap=0).per_target
    ceiling = np.nanmean(np.sqrt(np.maximum(reliability, 0.0)))
    rows.append({"estimate": "ceiling", "Spearman": ceiling, "seconds of training": np.nan,
                 "seconds a subset": len(scores.Y) * seconds})  # fmt: skip
    return pd.DataFrame(rows)


def _timed(work: Callable[[], list[Any]]) -> tuple[list[Any], float]:
    start = time.process_time()
    return work(), time.process_time() - start


def _gradients(study: Study, plan: Plan, n_directions: int) -> list[OutputGradients]:
    """Of a base model for each repeat, trained for it."""
    table = TaskTable.load(study.table)
    bases = [fit for fit in plan.fits.values() if fit.kind == "together"]
    model = study.settings.learner
    return [
        output_gradients(table, fit, model, n_directions=n_directions) for fit in bases[:N_MODELS]
    ]


def _seconds(study: Study, plan: Plan) -> float:
    """Mean seconds of a subset's fit, as the study's journal has them."""
    subsets = [key for key, fit in plan.fits.items() if fit.kind == "subset"]
    return float(np.mean(list(Journal(study.journal).seconds(subsets).values())))
