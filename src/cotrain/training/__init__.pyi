from ._fit_table import (
    SCORE_COLUMNS,
    Rows,
    describe_fit,
    fit_rows,
    fit_table,
    load_fit_table,
    results_of,
    save_fit_table,
)
from ._journal import Journal
from ._learner import NEVER, Capabilities, Learner, Suggests, Trained
from ._make import Learners, estimate_seconds, make_learner
from ._problem import Labels, Problem, can_learn
from ._result import FitFailure, FitResult, Outcome, Predictions, fit_result
from ._sweep import sweep, sweep_learners

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
