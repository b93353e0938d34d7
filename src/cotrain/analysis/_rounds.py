"""Adaptive sampling: which subsets to train next, from the scores of those before."""

import math
import warnings

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cotrain.allocation import Identities, Plan, Rounds, decode_tasks
from cotrain.analysis._observations import Observations
from cotrain.settings import SubsetSettings
from cotrain.tasks import TaskTable

# Enough for choices to follow what is found; fewer subsets a round would leave workers waiting.
N_ROUNDS = 10
# Of each task in the first round: with fewer no surrogate can be fitted.
SCORES_OF_TASK = 4


def make_rounds(
    subsets: SubsetSettings, n_tasks: int, score: str, fdr: float, seed: int
) -> Rounds | None:
    """How the plan of subsets goes on after its first round; None where sampling is uniform."""
    if subsets.sampling == "uniform":
        return None
    share = (subsets.min_size + subsets.max_size) / 2 / n_tasks  # of the subsets that hold a task
    n_round = max(math.ceil(subsets.n_subsets / N_ROUNDS), math.ceil(SCORES_OF_TASK / share))
    sizes = subsets.model_dump(include={"n_subsets", "min_size", "max_size"})
    n_round = min(n_round, subsets.n_subsets)
    return Rounds(**sizes, n_round=n_round, score=score, fdr=fdr, seed=seed)


def next_round(
    plan: Plan, rows: pd.DataFrame, table: TaskTable, data_version: str, learners: Identities
) -> Plan:
    """The plan with one more round, chosen by the fits in `rows`; as it is where none is to come.

    The choice depends on the scores and the seed alone, so a study that was stopped chooses the
    same subsets again.
    """
    rounds, known = plan.rounds, plan.subsets
    if rounds is None or len(known) >= rounds.n_subsets:
        return plan
    # Most plans have one round, and need not wait for the surrogates.
    from cotrain.surrogates import DesignWarning, next_subsets

    fits = Observations.of(rows, plan.fits, table.tasks, table.label_counts, rounds.score)
    measured = fits.subsets(next(iter(plan.fits.values())).level)
    # With other numbers of threads sums differ in their last digits, and a near tie could turn.
    with threadpool_limits(1), warnings.catch_warnings():
        # What one round lacks the next one brings; what they all lack `analyze` names.
        warnings.simplefilter("ignore", DesignWarning)
        chosen = next_subsets(
            measured.indicators,
            measured.scores,
            min(rounds.n_round, rounds.n_subsets - len(known)),
            min_size=rounds.min_size,
            max_size=rounds.max_size,
            fdr=rounds.fdr,
            random_state=rounds.seed + len(known),
        )
    members = [np.flatnonzero(subset).tolist() for subset in chosen]
    return plan.with_subsets(members, data_version, learners)


def trained_plan(plan: Plan, rows: pd.DataFrame, data_version: str, learners: Identities) -> Plan:
    """The plan with the subsets of all its rounds, as its fit table lists them."""
    if plan.rounds is None:
        return plan
    codes = rows.loc[rows["kind"] == "subset", "members"].unique()
    return plan.with_subsets(map(decode_tasks, codes), data_version, learners)
