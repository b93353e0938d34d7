"""Which labels to acquire within a budget, and what to weigh in training by what they are worth."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from cotrain.curves import TransferModel


@dataclass(frozen=True, eq=False)
class LabelPlan:
    """Labels to acquire, and what the model expects of them.

    Attributes
    ----------
    labels : ndarray of int, (K,)
        Labels to acquire of each task; they sum to the budget.
    gain : ndarray, (K,)
        Expected gain in each task's score.
    interval : ndarray, (2,)
        Interval of the weighted mean gain.
    mean_gain : float
        Weighted mean gain.
    bound : float
        No plan within the budget has a higher weighted mean gain under the model.
    worth : ndarray, (K,)
        Weighted mean gain from one more label of each task at the present counts.
    """

    labels: np.ndarray
    gain: np.ndarray
    interval: np.ndarray
    mean_gain: float
    bound: float
    worth: np.ndarray


def recommend_labels(
    model: TransferModel,
    counts: np.ndarray,
    budget: int,
    *,
    available: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    level: float = 0.95,
) -> LabelPlan:
    """The plan with the highest expected mean score.

    The expected mean score is a concave function of the counts, so that the best plan is found by
    convex optimisation, and the slope there bounds every other plan.

    Parameters
    ----------
    model : TransferModel
        Fitted.
    counts : ndarray, (K,)
        Labels at hand.
    budget : int
        Labels to acquire.
    available : ndarray, (K,), optional
        Labels that can be had of each task at most; no limit by default.
    weights : ndarray, (K,), optional
        What a task's score counts for; equal by default.
    level : float
        Level of the interval.

    Raises
    ------
    ValueError
        If the budget is not positive or more than there is, or a shape does not fit.
    """
    n_tasks = len(model.asymptotes_)
    start, shares = vector_of("counts", counts, n_tasks), shares_of(weights, n_tasks)
    most = np.full(n_tasks, budget) if available is None else available
    limits = np.minimum(np.floor(vector_of("available", most, n_tasks)), budget)
    if budget < 1 or limits.sum() < budget:
        raise ValueError(
            f"budget must be between 1 and the {limits.sum():g} labels available, got {budget}"
        )
    labels = round_plan(_solve(model, start, budget, limits, shares), budget, limits)
    gain, mean_gain, half = expected_gain(model, start, start + labels, shares, level)
    slack = _slope(model, start + labels, shares)
    bound = mean_gain + float(slack @ (_greedy(slack, budget, limits) - labels))
    return LabelPlan(
        labels.astype(np.int64), gain, np.array([mean_gain - half, mean_gain + half]), mean_gain,
        max(bound, mean_gain), _slope(model, start, shares),
    )  # fmt: skip


def task_weights(exchange_rates: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Training weights in proportion to what a label of each task is worth to all, (K,), mean 1.

    A task whose labels are worth less than nothing gets 0.

    Parameters
    ----------
    exchange_rates : ndarray, (K, K)
        [target, source], as of `TransferModel`.
    weights : ndarray, (K,), optional
        What a target counts for; equal by default. A single 1 gives weights for one target.

    Raises
    ------
    ValueError
        If the rates are not square or finite, or no task's labels are worth anything.
    """
    rates = np.asarray(exchange_rates, dtype=float)
    if rates.ndim != 2 or rates.shape[0] != rates.shape[1] or not np.isfinite(rates).all():
        raise ValueError("exchange_rates must be finite and have shape (K, K)")
    shares = vector_of("weights", np.ones(len(rates)) if weights is None else weights, len(rates))
    worth = np.maximum(shares @ rates, 0.0)
    if worth.sum() == 0:
        raise ValueError("exchange_rates must give some task's labels a worth above 0")
    return worth / worth.mean()


def _solve(
    model: TransferModel, start: np.ndarray, budget: int, limits: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """The best real-valued plan, (K,)."""
    scale = float(budget)
    first = limits / limits.sum()
    size = max(float(np.abs(_slope(model, start, shares)).max()) * scale, 1e-12)
    result = minimize(
        lambda part: -float(shares @ model.predict((start + part * scale)[None])[0]) / size,
        first,
        jac=lambda part: -_slope(model, start + part * scale, shares) * scale / size,
        bounds=list(zip(np.zeros(len(first)), limits / scale, strict=True)),
        constraints={
            "type": "eq",
            "fun": lambda part: part.sum() - 1,
            "jac": lambda part: np.ones_like(part),
        },
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-9},
    )
    return np.clip(result.x, 0, limits / scale) * scale


def _slope(model: TransferModel, counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Weighted mean gain from one more label of each task, (K,)."""
    short = model.asymptotes_ - model.predict(counts[None])[0]
    return (shares * short) @ model.discounts_


def _greedy(slope: np.ndarray, budget: int, limits: np.ndarray) -> np.ndarray:
    """The plan that would be best if every label kept its present worth."""
    plan = np.zeros_like(slope)
    left = float(budget)
    for task in np.argsort(-slope, kind="stable"):
        plan[task] = min(left, limits[task])
        left -= plan[task]
    return plan


def round_plan(plan: np.ndarray, budget: int, limits: np.ndarray) -> np.ndarray:
    """Whole labels by largest remainders, within the limits, that sum to the budget."""
    whole = np.minimum(np.floor(plan + 1e-9), limits)
    while (left := int(budget - whole.sum())) > 0:
        room = whole < limits
        order = np.argsort(np.where(room, whole - plan, np.inf), kind="stable")
        whole[order[: min(left, int(room.sum()))]] += 1
    return whole


def expected_gain(
    model: TransferModel, before: np.ndarray, after: np.ndarray, shares: np.ndarray, level: float
) -> tuple[np.ndarray, float, float]:
    """Each task's gain (K,), the weighted mean gain, and half the width of its interval."""
    gain = np.diff(model.predict(np.stack([before, after])), axis=0)[0]
    half = model.gain_reach(before, after, level)
    return gain, float(shares @ gain), float(np.sqrt(np.square(shares) @ np.square(half)))


def shares_of(weights: np.ndarray | None, n_tasks: int) -> np.ndarray:
    """Weights that sum to 1, (K,)."""
    shares = vector_of("weights", np.ones(n_tasks) if weights is None else weights, n_tasks)
    if shares.sum() == 0:
        raise ValueError("weights must hold one above 0")
    return shares / shares.sum()


def vector_of(name: str, values: np.ndarray, n: int) -> np.ndarray:
    vector = np.asarray(values, dtype=float)
    if vector.shape != (n,) or not (vector >= 0).all() or not np.isfinite(vector).all():
        raise ValueError(f"{name} must hold {n} numbers of at least 0, got {values}")
    return vector
