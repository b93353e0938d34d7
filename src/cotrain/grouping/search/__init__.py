"""Searches for a good grouping: Optuna's, local moves, and the obvious ones to compare with."""
