"""Scores: every fact about each, and their computation from predictions."""

from cotrain.scores._catalogue import SCORES, Score, TaskKind, find_score
from cotrain.scores._score_tasks import score_tasks

__all__ = ["SCORES", "Score", "TaskKind", "find_score", "score_tasks"]
