"""The scores that fits are judged by: direction, kind of task, label."""

from dataclasses import dataclass
from typing import Literal

TaskKind = Literal["binary", "real"]

_BOTH: tuple[TaskKind, ...] = ("binary", "real")


@dataclass(frozen=True)
class Score:
    name: str  # as in settings and in the fit table's columns `val_<name>` and `test_<name>`
    label: str  # as in text and figures
    kinds: tuple[TaskKind, ...]  # the tasks that have it
    higher_is_better: bool  # up to 1, which learning curves rise to; False: a loss
    unit_free: bool  # whether values of tasks may be averaged: scaling a task's labels is no matter

    @property
    def sign(self) -> float:
        """The factor that makes higher better: 1, or -1 for losses."""
        return 1.0 if self.higher_is_better else -1.0


# In the order of the fit table's columns. `d2` is the share of deviance explained, as scikit-learn
# calls it: of the log loss for binary tasks, of the squared error (then R²) for real-valued ones;
# 0 is the evaluation labels' own base rate. It compares tasks of both kinds without units.
SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score("log_loss", "log loss", ("binary",), False, True),
        Score("auroc", "AUROC", ("binary",), True, True),
        Score("aupr", "AUPR", ("binary",), True, True),
        Score("mse", "mean squared error", ("real",), False, False),
        Score("r2", "R²", ("real",), True, True),
        Score("pearson", "Pearson correlation", ("real",), True, True),
        Score("spearman", "Spearman correlation", ("real",), True, True),
        Score("rae", "relative absolute error", ("real",), False, True),
        Score("d2", "D² (deviance explained)", _BOTH, True, True),
    )
}


def find_score(name: str) -> Score:
    """The score of a name; a ValueError that lists them if there is none."""
    if name not in SCORES:
        raise ValueError(f"score must be one of {', '.join(SCORES)}, got {name!r}")
    return SCORES[name]
