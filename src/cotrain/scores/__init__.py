"""Scores: every fact about each, and their computation from predictions."""

from cotrain.scores._catalogue import SCORES, Score, TaskKind, find_score, names_of_kind
from cotrain.scores._score_tasks import score_tasks

__all__ = ["SCORES", "Score", "TaskKind", "find_score", "names_of_kind", "score_tasks"]
