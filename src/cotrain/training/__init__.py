"""Engines behind one small protocol: fits in, scores out."""

from cotrain.training._protocol import Engine, FitFailure, FitScores, Outcome

__all__ = ["Engine", "FitFailure", "FitScores", "Outcome"]
