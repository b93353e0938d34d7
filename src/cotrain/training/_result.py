"""What a fit leaves: predictions of evaluation labels, and the scores that follow from them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cotrain.exceptions import FitError
from cotrain.scores import score_tasks
from cotrain.training._problem import Problem


@dataclass(frozen=True, eq=False)
class Predictions:
    """Outputs for the evaluation labels of a fit's members, in the task table's order of labels."""

    # (n_labels,) of float32: logits of binary tasks, values of real-valued ones; NaN for a member
    # without any training label, which never learnt anything
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class FitResult:
    """The scores of one fit, for the tasks that it was trained on, and what they follow from."""

    tasks: np.ndarray  # (n_members,) of int64: the tasks scored: the fit's members
    n_labels: np.ndarray  # (n_members,) of int64: labels of each that were trained on
    # (n_members, len(SCORES)) of float64: one column a score, in the order of
    # `cotrain.scores.SCORES`; NaN where a score does not apply (a real-valued task has no AUROC) or
    # is undefined (one class among the labels)
    validation: np.ndarray
    test: np.ndarray
    # epochs trained, fewer than asked for after an early stop; 0 where there are none
    n_epochs: int = 0
    predictions: Predictions | None = None  # None where they were not kept


@dataclass(frozen=True)
class FitFailure:
    """Why a fit has no scores: one line."""

    reason: str


Outcome = FitResult | FitFailure


def outcome_of(train: Callable[[], Outcome]) -> Outcome:
    """What `train` returns, or why it failed."""
    try:
        return train()
    except FitError as error:
        return FitFailure(str(error))
    except MemoryError:
        return FitFailure("out of memory; use fewer workers, or a smaller model")


def fit_result(
    problem: Problem, validation: np.ndarray, test: np.ndarray, n_epochs: int = 0
) -> FitResult:
    """The result of a fit from its outputs for the labels of `problem`, each (n_labels,)."""
    scores, predicted = [], []
    for labels, output in ((problem.validation, validation), (problem.test, test)):
        known = problem.n_labels[labels.member] > 0
        member, truth = labels.member[known], labels.truth[known]
        scores.append(score_tasks(member, truth, output[known], problem.is_binary))
        predicted.append(np.where(known, output, np.nan).astype(np.float32))
    kept = Predictions(*predicted)
    return FitResult(problem.members, problem.n_labels, scores[0], scores[1], n_epochs, kept)
