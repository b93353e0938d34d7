"""Engines behind one small protocol: fits in, scores out."""

from cotrain.training._cost import count_operations, estimate_seconds, pass_operations
from cotrain.training._engines import make_engine
from cotrain.training._fit_table import (
    SCORE_COLUMNS,
    Rows,
    describe_fit,
    fit_rows,
    fit_table,
    load_fit_table,
    save_fit_table,
    scores_of,
)
from cotrain.training._journal import Journal
from cotrain.training._problem import Problem
from cotrain.training._protocol import NEVER, Engine, FitFailure, FitScores, Outcome
from cotrain.training._sweep import sweep
from cotrain.training._weights import Layer, Weights

__all__ = [
    "NEVER",
    "SCORE_COLUMNS",
    "Engine",
    "FitFailure",
    "FitScores",
    "Journal",
    "Layer",
    "Outcome",
    "Problem",
    "Rows",
    "Weights",
    "count_operations",
    "describe_fit",
    "estimate_seconds",
    "fit_rows",
    "fit_table",
    "load_fit_table",
    "make_engine",
    "pass_operations",
    "save_fit_table",
    "scores_of",
    "sweep",
]
