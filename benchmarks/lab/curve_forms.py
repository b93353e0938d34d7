"""Which form of learning curve predicts best what it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from lab.curve_shapes import FormName, get_form
from lab.learning_curve import LearningCurve, why_unidentifiable

SINGLE_COLUMN_FORMS: tuple[FormName, ...] = ("exp3.1", "exp4", "ilog2", "power")
# Errors below this are one as good as the other.
_NO_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class FormChoice:
    """A form and its error on held-out scores.

    Attributes
    ----------
    form : str
    error : float
        Root mean squared error; NaN if the form could not be fitted.
    reason : str
        Why it could not; empty if it could.
    weight : float
        What the form counts for among all, in proportion to 1 / error² (Bates and Granger, 1969);
        0 if it could not be fitted.
    """

    form: FormName
    error: float
    reason: str = ""
    weight: float = 0.0


def choose_form(
    X: np.ndarray,
    y: np.ndarray,
    forms: Sequence[FormName] = SINGLE_COLUMN_FORMS,
    *,
    held_out: str = "highest",
    n_folds: int = 5,
    curve: LearningCurve | None = None,
    random_state: Any = 0,
) -> tuple[FormChoice, ...]:
    """The forms with their errors on held-out counts, best first.

    The best of few held-out scores is often so by luck, and now and then foretells wildly:
    `foretell` averages the forms instead.

    Parameters
    ----------
    X : ndarray, (n, n_columns)
        Label counts; forms with fewer columns than X get the first ones, so that a form may be
        compared with those that know of other tasks.
    y : ndarray, (n,)
        Scores.
    forms : sequence of str
    held_out : "highest" or "folds"
        The quarter of the different own counts that are highest (extrapolation), or each of
        `n_folds` parts of the different rows of counts in turn (interpolation).
    curve : LearningCurve, optional
        Its other parameters are used for every form.
    random_state : int, RandomState or None
        Seed of folds and starts.

    Raises
    ------
    ValueError
        If no form can be fitted.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    parts = _held_out_parts(X, held_out, n_folds, random_state)
    template = curve if curve is not None else LearningCurve()
    choices = [_judge(clone(template), form, X, y, parts, random_state) for form in forms]
    if all(choice.reason for choice in choices):
        raise ValueError(f"no form could be fitted: {choices[0].form}: {choices[0].reason}")
    weights = _weights(np.array([choice.error for choice in choices]))
    choices = [replace(c, weight=float(w)) for c, w in zip(choices, weights, strict=True)]
    return tuple(sorted(choices, key=lambda choice: (bool(choice.reason), choice.error)))


def foretell(
    X: np.ndarray,
    y: np.ndarray,
    at: np.ndarray,
    forms: Sequence[FormName] = SINGLE_COLUMN_FORMS,
    *,
    held_out: str = "highest",
    n_folds: int = 5,
    curve: LearningCurve | None = None,
    random_state: Any = 0,
) -> np.ndarray:
    """The scores expected at counts that were not measured, the mean of all forms by their weights.

    Parameters
    ----------
    at : ndarray, (m, n_columns)
        Label counts; the other parameters are those of `choose_form`.

    Returns
    -------
    ndarray, (m,)

    Raises
    ------
    ValueError
        If no form can be fitted.
    """
    X, y, at = (np.asarray(part, dtype=float) for part in (X, y, at))
    template = curve if curve is not None else LearningCurve()
    choices = choose_form(
        X, y, forms, held_out=held_out, n_folds=n_folds, curve=curve, random_state=random_state
    )
    total = np.zeros(len(at))
    for choice in choices:
        if choice.weight > 0:
            n_columns = len(get_form(choice.form).columns)
            fitted = clone(template).set_params(form=choice.form, random_state=random_state)
            total += choice.weight * fitted.fit(X[:, :n_columns], y).predict(at[:, :n_columns])
    return total


def _weights(errors: np.ndarray) -> np.ndarray:
    """Shares in proportion to 1 / error², 0 where there is none."""
    precision = 1 / (np.square(np.nan_to_num(errors)) + _NO_DIFFERENCE**2)
    precision[np.isnan(errors)] = 0.0
    return np.asarray(precision / precision.sum())


def _held_out_parts(
    X: np.ndarray, held_out: str, n_folds: int, random_state: Any
) -> list[np.ndarray]:
    """Masks of the rows that are left out, one a fit."""
    if held_out == "highest":
        return [X[:, 0] > np.quantile(np.unique(X[:, 0]), 0.75, method="lower")]
    if held_out != "folds" or n_folds < 2:
        raise ValueError(
            'held_out must be "highest", or "folds" with n_folds of at least 2, '
            f"got {held_out!r} and {n_folds}"
        )
    group = np.unique(X, axis=0, return_inverse=True)[1].reshape(-1)
    fold = check_random_state(random_state).permutation(int(group.max()) + 1)[group] % n_folds
    return [fold == k for k in range(n_folds) if (fold == k).any()]


def _judge(
    curve: LearningCurve,
    form: FormName,
    X: np.ndarray,
    y: np.ndarray,
    parts: Sequence[np.ndarray],
    random_state: Any,
) -> FormChoice:
    shape = get_form(form)
    columns = X[:, : len(shape.columns)]
    curve.set_params(form=form, random_state=random_state)
    squared = 0.0
    for part in parts:
        if reason := why_unidentifiable(shape, columns[~part]):
            return FormChoice(form, float("nan"), reason)
        curve.fit(columns[~part], y[~part])
        squared += float(np.square(y[part] - curve.predict(columns[part])).sum())
    return FormChoice(form, float(np.sqrt(squared / sum(part.sum() for part in parts))))
