"""What models say of the same labels, side by side, as distances from the base rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cotrain.allocation import Fit, subset_fit
from cotrain.comparison._models import Model, Phase
from cotrain.means import mean_known
from cotrain.scores import SCORES, score_tasks
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, Labels, Problem

Use = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class Outputs:
    """Outputs of models for the labels of one use (validation or test) in one repeat."""

    # (n,) of int64: of each label
    task: np.ndarray
    example: np.ndarray
    fold: np.ndarray
    truth: np.ndarray  # (n,) of float64
    # (n,) of float64: what the base rate says: the logit of the share of positives among the
    # training labels, or their mean
    base: np.ndarray
    # (n,) of float64: the standard deviation of the training labels of real-valued tasks; 1 for
    # binary ones
    scale: np.ndarray
    is_binary: np.ndarray  # (K,) of bool
    # mapping of Model to ndarray of float64, (n,): logits or values; NaN for the labels of tasks
    # that the model does not predict
    by_model: Mapping[Model, np.ndarray]

    def anchored(self, models: tuple[Model, ...]) -> np.ndarray:
        """How far models are from the base rate in units of `scale`, (n, n_models)."""
        columns = [(self.by_model[model] - self.base) / self.scale for model in models]
        return np.stack(columns, axis=1) if columns else np.empty((self.task.size, 0))

    def mean(self, models: tuple[Model, ...]) -> np.ndarray:
        """The mean output of the models that hold each label's task, (n,); the base rate if none.

        Logits are averaged, so that one model's certainty does not drown in the others' doubt.
        """
        if not models:
            return self.base
        mean = mean_known(np.stack([self.by_model[model] for model in models]))
        return np.where(np.isnan(mean), self.base, mean)

    def score(self, output: np.ndarray) -> np.ndarray:
        """The scores of each task, (K, len(SCORES)); NaN where `output` says nothing."""
        known = ~np.isnan(output)
        return score_tasks(self.task[known], self.truth[known], output[known], self.is_binary)

    def score_without(self, output: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The scores with the labels of each part left out, (n_parts, K, len(SCORES)).

        A score that the others leave undefined stays what it is with all: `part` (n,) counts the
        parts of the labels from 0.
        """
        every = self.score(output)
        parts = []
        for one in range(int(part.max(initial=-1)) + 1):
            left = self.score(np.where(part == one, np.nan, output))
            parts.append(np.where(np.isnan(left), every, left))
        return np.stack(parts)

    def losses(self, output: np.ndarray) -> np.ndarray:
        """The log loss of each label, or its squared error in units of `scale`, (n,)."""
        log_loss = np.logaddexp(0.0, output) - self.truth * output
        squared = ((output - self.truth) / self.scale) ** 2
        return np.where(self.is_binary[self.task], log_loss, squared)


def repeat_outputs(
    table: TaskTable,
    fits: Mapping[Model, Sequence[Fit]],
    results: Mapping[Fit, FitResult],
    phase: Phase,
    use: Use,
) -> list[Outputs]:
    """The outputs for the validation or the test labels of each repeat of a phase.

    `fits` has each model's fits, one a repeat, and `results` theirs, with predictions.
    """
    found = []
    for place, rotation in enumerate(phase.repeats):
        # All labels at the level and in the folds of the repeat; nothing is trained on them.
        every = subset_fit(table.n_tasks, range(table.n_tasks), phase.level, rotation)
        problem = Problem.of(table, every)
        labels: Labels = getattr(problem, use)
        member, example = labels.member.astype(np.int64), labels.rows[labels.row]
        task = problem.members[member]
        by_model = {}
        for model, own in fits.items():
            by_model[model] = values = np.full(member.size, np.nan)
            held = np.isin(task, model.members)
            values[held] = getattr(results[own[place]].predictions, use)
            values[~np.isin(task, model.predicts)] = np.nan
        outputs = Outputs(
            task=task,
            example=example,
            fold=table.folds[example],
            truth=labels.truth.astype(np.float64),
            base=problem.base_outputs()[member],
            scale=problem.scale[member],
            is_binary=problem.is_binary,
            by_model=by_model,
        )
        found.append(outputs)
    return found


def column(score: str) -> int:
    """The place of a score among the columns of `Outputs.score`."""
    return list(SCORES).index(score)
