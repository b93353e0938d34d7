"""Fitting in stages: a smaller form first, its parameters frozen, then the larger one's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cotrain.curves._batch import BatchSolution
from cotrain.curves._fit import at_bounds, best_of, count_different, random_starts
from cotrain.curves._forms import EXP31, EXP32, Form

Stages = Sequence[Sequence[str]]
Solver = Callable[[Form, np.ndarray, np.ndarray, np.ndarray, np.ndarray], BatchSolution]

# EXP3.1 → EXP3.2 → EXP3.3 with earlier parameters frozen (arXiv 2512.24866). Which ones move again
# is left open there; here the asymptote does in stage 2, where labels of other tasks join.
_PAPER_STAGES: dict[str, Stages] = {
    "exp3.1": (("c", "b", "a_own"),),
    "exp3.2": (("c", "b", "a_own"), ("c", "a_others")),
    "exp3.3": (("c", "b", "a_own"), ("c", "a_others"), ("a_auxiliary",)),
}


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage: the form that is fitted, the parameters that move, and how counts are merged."""

    form: Form
    free: np.ndarray  # bool, (d of the stage's form,)
    merge: np.ndarray  # (columns of the full form, columns of the stage's form)


@dataclass(frozen=True, eq=False)
class StagedSolution:
    """Per problem: parameters per label (p, d), loss (p,), bound hits (p, d), convergence (p,)."""

    theta: np.ndarray
    loss: np.ndarray
    at_bound: np.ndarray
    converged: np.ndarray


def plan_stages(form: Form, stages: Stages | str) -> list[Stage]:
    """The stages of a fit of `form`.

    Parameters
    ----------
    stages : "paper", "joint", or a sequence of sequences of parameter names
        Names of the parameters that move in each stage. A stage fits the smallest form that has
        all parameters named so far: EXP3.1, then EXP3.2 (with the auxiliary among the others),
        then EXP3.3. "joint" moves all in one stage.

    Raises
    ------
    ValueError
        If a name is no parameter of the form, or a parameter never moves.
    """
    names = _names_by_stage(form, stages)
    for stage in names:
        if unknown := sorted(set(stage) - set(form.parameters)):
            raise ValueError(
                f"stages must name parameters of {form.name} ({', '.join(form.parameters)}), "
                f"got {unknown[0]!r}"
            )
    never = set(form.parameters).difference(*names)
    if never:
        raise ValueError(f"stages must move every parameter once, got none for {min(never)!r}")
    named: set[str] = set()
    plan = []
    for stage in names:
        named |= set(stage)
        small = _smallest_form(form, named)
        free = np.array([name in stage for name in small.parameters])
        plan.append(Stage(small, free, _merging(form, small)))
    return plan


def fit_staged(
    form: Form,
    counts: np.ndarray,
    scores: np.ndarray,
    plan: Sequence[Stage],
    bounds: np.ndarray,
    solver: Solver,
    n_starts: int,
    rng: np.random.Generator,
    initial: np.ndarray | None = None,
) -> StagedSolution:
    """The best of several starts for each problem, stage after stage.

    A stage is fitted to the rows on which its form is the whole truth (for EXP3.1: no labels of
    other tasks), if they hold as many different counts as it has free parameters; else to all.

    Parameters
    ----------
    counts : ndarray, (n_problems, n, n_columns)
    scores : ndarray, (n_problems, n)
        NaN where unknown.
    bounds : ndarray, (2, d)
        For counts divided by the largest.
    initial : ndarray, (n_problems, d), optional
        Parameters per label to start from, beside the random starts.
    """
    theta = np.zeros((len(scores), form.n_parameters)) if initial is None else initial.copy()
    at_bound = np.zeros(theta.shape, dtype=bool)
    solution: BatchSolution | None = None
    for number, stage in enumerate(plan):
        columns = _columns(form, stage)
        stage_bounds = bounds[:, columns]
        stage_scores = _stage_scores(stage, counts, scores)
        merged = counts @ stage.merge
        scales = stage.form.scales(merged)
        scaled = merged / scales[:, None, :]
        carried = stage.form.per_label(_project(theta, stage), 1 / scales)
        starts = random_starts(stage.form, scaled, stage_scores, stage_bounds, n_starts, rng)
        starts = [np.where(stage.free, start, carried) for start in starts]
        if number > 0 or initial is not None:
            starts.append(carried)
        solution = best_of(
            [
                # What is frozen has its start for both bounds.
                solver(
                    stage.form, scaled, stage_scores, start,
                    np.where(stage.free, stage_bounds[:, None], start),
                )
                for start in starts
            ]
        )  # fmt: skip
        hits = at_bounds(solution, stage_bounds) & stage.free
        theta = _expand(stage.form.per_label(solution.theta, scales), stage)
        at_bound[:, columns] = np.where(stage.free, hits, at_bound[:, columns])
    assert solution is not None
    return StagedSolution(theta, solution.loss, at_bound, solution.converged)


def _names_by_stage(form: Form, stages: Stages | str) -> Stages:
    if stages == "paper":
        return _PAPER_STAGES.get(form.name, (form.parameters,))
    if stages == "joint":
        return (form.parameters,)
    if isinstance(stages, str) or not stages:
        raise ValueError(
            f'stages must be "paper", "joint" or sequences of parameter names, got {stages!r}'
        )
    return stages


def is_staged(form: Form) -> bool:
    """Whether B = exp(b) and g = exp(−a·n): the forms that are fitted in stages."""
    return form.name.startswith("exp3")


def _smallest_form(form: Form, named: set[str]) -> Form:
    if not is_staged(form) or "a_auxiliary" in named:
        return form
    return EXP32 if "a_others" in named else EXP31


def _merging(form: Form, small: Form) -> np.ndarray:
    merge = np.eye(len(form.columns), len(small.columns))
    if len(small.columns) == 2:
        merge[2:, 1] = 1.0
    return merge


def _columns(form: Form, stage: Stage) -> list[int]:
    return [form.parameters.index(name) for name in stage.form.parameters]


def _project(theta: np.ndarray, stage: Stage) -> np.ndarray:
    """Parameters of the stage's form from those of the full one."""
    if not is_staged(stage.form):
        return theta
    merge = stage.merge / np.maximum(stage.merge.sum(axis=0), 1.0)
    return np.concatenate([theta[:, :2], theta[:, 2:] @ merge], axis=1)


def _expand(theta: np.ndarray, stage: Stage) -> np.ndarray:
    """Parameters of the full form: merged tasks share their discount, left-out ones have 0."""
    if not is_staged(stage.form):
        return theta
    return np.concatenate([theta[:, :2], theta[:, 2:] @ stage.merge.T], axis=1)


def _stage_scores(stage: Stage, counts: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The scores, unknown where the stage's form lacks a column that is not 0."""
    left_out = stage.merge.sum(axis=1) == 0
    if not left_out.any():
        return scores
    matching = (counts[..., left_out] == 0).all(axis=-1)
    n_different = count_different(counts[..., 0], matching & np.isfinite(scores))
    enough = n_different >= stage.free.sum()
    return np.where(matching | ~enough[:, None], scores, np.nan)
