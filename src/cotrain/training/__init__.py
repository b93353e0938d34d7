"""Learners behind one small contract: fits in; trained models, predictions and scores out."""

from cotrain.training._fit_table import (
    SCORE_COLUMNS,
    Rows,
    describe_fit,
    fit_rows,
    fit_table,
    load_fit_table,
    results_of,
    save_fit_table,
)
from cotrain.training._journal import Journal
from cotrain.training._learner import NEVER, Capabilities, Learner, Suggests, Trained
from cotrain.training._make import Learners, estimate_seconds, make_learner
from cotrain.training._problem import Labels, Problem, can_learn
from cotrain.training._result import FitFailure, FitResult, Outcome, Predictions, fit_result
from cotrain.training._sweep import sweep, sweep_learners

__all__ = [
    "NEVER",
    "SCORE_COLUMNS",
    "Capabilities",
    "FitFailure",
    "FitResult",
    "Journal",
    "Labels",
    "Learner",
    "Learners",
    "Outcome",
    "Predictions",
    "Problem",
    "Rows",
    "Suggests",
    "Trained",
    "can_learn",
    "describe_fit",
    "estimate_seconds",
    "fit_result",
    "fit_rows",
    "fit_table",
    "load_fit_table",
    "make_learner",
    "results_of",
    "save_fit_table",
    "sweep",
    "sweep_learners",
]
