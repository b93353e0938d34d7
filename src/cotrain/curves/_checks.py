"""What counts and scores must be for a curve to be fitted."""

import numpy as np

from cotrain.curves._forms import Form

COLUMNS = {1: ("own",), 2: ("own", "others"), 3: ("own", "auxiliary", "others")}


def check_counts(form: Form, X: np.ndarray) -> np.ndarray:
    """Label counts as float, (n, n_columns).

    Raises
    ------
    ValueError
        If the shape is another, or a count is not finite or below what the form is defined for.
    """
    counts = np.asarray(X, dtype=float)
    if counts.ndim != 2 or counts.shape[1] != form.n_columns:
        names = ", ".join(COLUMNS[form.n_columns])
        raise ValueError(
            f"X must have shape (n, {form.n_columns}) for {form.name} (counts: {names}), "
            f"got {counts.shape}"
        )
    wrong = ~(counts >= form.min_count) | ~np.isfinite(counts)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"X must hold counts of at least {form.min_count} for {form.name}, "
            f"got {counts[row, column]:g} in row {row}, column {column}"
        )
    return counts


def check_scores(y: np.ndarray, n: int, ceiling: float) -> np.ndarray:
    """Scores as float, (n,).

    Raises
    ------
    ValueError
        If there are not n, or one is unknown, infinite or above the ceiling.
    """
    scores = np.asarray(y, dtype=float)
    if scores.shape != (n,):
        raise ValueError(f"y must have shape ({n},), one score a row of X, got {scores.shape}")
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise ValueError(
            f"y must be finite, got {scores[row]} in row {row}; leave rows without a score out"
        )
    if (scores > ceiling).any():
        row = int(np.argmax(scores))
        raise ValueError(
            f"y must not exceed the ceiling {ceiling:g}, got {scores[row]:g} in row {row}; "
            "set the upper bound of c in `bounds` for another score"
        )
    return scores


def check_identifiable(form: Form, counts: np.ndarray) -> None:
    """Refuse counts that cannot tell the form's parameters apart.

    Raises
    ------
    ValueError
        If there are fewer different rows than parameters, or a column never changes.
    """
    if reason := why_unidentifiable(form, counts):
        raise ValueError(reason)


def why_unidentifiable(form: Form, counts: np.ndarray) -> str:
    """Why counts (n, n_columns) cannot tell the form's parameters apart; empty if they can."""
    if len(counts) < form.n_parameters:
        return (
            f"X must have at least {form.n_parameters} rows for {form.name}, got {len(counts)}; "
            "add levels or repeats, or choose a form with fewer parameters"
        )
    for column, name in enumerate(COLUMNS[form.n_columns]):
        if np.ptp(counts[:, column]) == 0:
            return (
                f"X must hold different counts in column {column} ({name}), got "
                f"{counts[0, column]:g} in every row; add another level"
            )
    n_different = len(np.unique(counts, axis=0))
    if n_different < form.n_parameters:
        return (
            f"X must hold at least {form.n_parameters} different rows of counts for {form.name}, "
            f"got {n_different}; add levels, or choose a form with fewer parameters"
        )
    return ""


def count_different(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Number of different known values in each row."""
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        steps = np.diff(ordered, axis=1)
    return np.isfinite(ordered[:, 0]) + ((steps > 0) & np.isfinite(ordered[:, 1:])).sum(axis=1)
