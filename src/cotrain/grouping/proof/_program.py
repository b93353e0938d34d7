"""The integer program that chooses among groups that are listed, with or without proof."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack

from cotrain.grouping.value import Floats, Members


def choose(
    scores: Floats,
    useful: Members,
    costs: Floats,
    most_groups: int,
    max_cost: float | None = None,
    *,
    at_least: float | None = None,
    **options: float,
) -> tuple[np.ndarray | None, float]:
    """Return the rows of the best choice of groups, or None, and a bound on its value.

    Each task is served by one chosen group; the value is the sum of the scores (n_groups, n_tasks)
    where a group is `useful` to a task. `at_least`: the cheapest groups of this value instead, and
    of these the fewest. `options` are those of `scipy.optimize.milp`.
    """
    n_groups, n_tasks = useful.shape
    group, task = np.nonzero(useful)
    n_serves = len(group)
    pair, ones = np.arange(n_serves), np.ones(n_serves)
    worth = scores[group, task]
    served = coo_array((ones, (task, pair)), shape=(n_tasks, n_serves))
    needs = coo_array((-ones, (pair, group)), shape=(n_serves, n_groups))
    limits = np.zeros((2, n_serves + n_groups))
    limits[:, n_serves:] = np.ones(n_groups), costs
    rules = [
        LinearConstraint(hstack([served, csr_array((n_tasks, n_groups))], format="csr"), 1, 1),
        LinearConstraint(hstack([eye_array(n_serves), needs], format="csr"), -np.inf, 0),
        LinearConstraint(limits, -np.inf, [most_groups, np.inf if max_cost is None else max_cost]),
    ]
    wanted = np.concatenate([-worth, np.zeros(n_groups)])
    if at_least is not None:
        rules.append(LinearConstraint(-wanted, at_least, np.inf))
        # Fewer groups break ties of cost, for the share of a group in the cost is small.
        share = 1e-3 * max(float(costs.max()), 1e-9) / n_groups
        wanted = np.concatenate([np.zeros(n_serves), costs + share])
    solved = milp(
        wanted,
        integrality=np.concatenate([np.zeros(n_serves), np.ones(n_groups)]),
        bounds=Bounds(0, 1),
        constraints=rules,
        options=options,
    )
    if solved.status == 2:
        return None, -np.inf
    bound = np.inf if solved.mip_dual_bound is None else -float(solved.mip_dual_bound)
    return (None if solved.x is None else np.flatnonzero(solved.x[n_serves:] > 0.5)), bound
