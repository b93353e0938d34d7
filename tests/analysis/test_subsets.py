"""Surrogates of a study's subsets: what is said where there are too few."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from cotrain.analysis import SubsetAnalysis, SubsetScores
from cotrain.exceptions import SettingsError
from cotrain.settings import AnalyzeSettings

SETTINGS = AnalyzeSettings(
    score="auroc", curve_score="auroc", ridge="evidence", held_out=0.25, fdr=0.05, seed=0
)


def analyze(n_tasks: int, pairs: int) -> None:
    """The analysis of each task alone and so many pairs of tasks."""
    members = [*((t,) for t in range(n_tasks)), *list(combinations(range(n_tasks), 2))[:pairs]]
    indicators = np.zeros((len(members), n_tasks), dtype=np.int64)
    for row, found in enumerate(members):
        indicators[row, list(found)] = 1
    scores = np.random.default_rng(0).normal(0.8, 0.01, (2, *indicators.shape))
    scores[:, indicators == 0] = np.nan
    tasks = tuple("abcdefgh"[:n_tasks])
    SubsetAnalysis.of(SubsetScores(indicators, scores), tasks, np.full(n_tasks, 100.0), SETTINGS)


@pytest.mark.filterwarnings("ignore::cotrain.surrogates.DesignWarning")
def test_too_few_subsets_of_many_tasks_ask_for_more():
    with pytest.raises(SettingsError, match=r"2 subsets .*; raise `plan.subsets.n_subsets`"):
        analyze(n_tasks=8, pairs=2)


def test_every_subset_of_three_tasks_leaves_none_to_ask_for():
    with pytest.raises(SettingsError, match=r"3 subsets .*; there are no others: add tasks"):
        analyze(n_tasks=3, pairs=3)


@pytest.mark.filterwarnings("ignore::cotrain.surrogates.DesignWarning")
@pytest.mark.parametrize("seed", range(8))
def test_all_subsets_of_four_tasks_suffice_in_any_order(seed):
    sizes = (1, 2, 3)
    members = [found for size in sizes for found in combinations(range(4), size)]
    indicators = np.array([[int(task in found) for task in range(4)] for found in members])
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.8, 0.01, (2, *indicators.shape))
    scores[:, indicators == 0] = np.nan
    order = rng.permutation(len(members))
    subsets = SubsetScores(indicators[order], scores[:, order])
    found = SubsetAnalysis.of(subsets, tuple("abcd"), np.full(4, 100.0), SETTINGS)
    assert len(found.indicators) == 10
    assert found.predicted.shape == (2, 10, 4)
    unknown = np.full((2, 10, 4), np.nan)
    line = replace(found, surrogate="linear", predicted=unknown).describe()
    assert (
        "the linear surrogate predicts held-out subsets with a Spearman of unknown (ceiling 0."
        in line
    )
    # The mean of the others is lower the higher a subset is: its Spearman would say nothing.
    assert "Spearman" not in replace(found, surrogate="none").describe()


@pytest.mark.filterwarnings("ignore::cotrain.surrogates.DesignWarning")
def test_affinities_foretell_where_effects_follow_them_and_subsets_are_few():
    """Twenty subsets of twelve tasks: the choice, and what it does to fresh predictions."""
    rng = np.random.default_rng(0)
    affinity = rng.normal(size=(12, 12))
    members = [(task,) for task in range(12)]
    members += [tuple(np.flatnonzero(rng.random(12) < 0.5)) for _ in range(20)]
    indicators = np.array([[int(task in found) for task in range(12)] for found in members])
    effects = 0.01 * (indicators @ affinity.T - np.diag(affinity))
    scores = 0.7 + effects + rng.normal(0, 0.002, (2, *effects.shape))
    scores[:, indicators == 0] = np.nan
    subsets, tasks = SubsetScores(indicators, scores), tuple("abcdefghijkl")
    found = {
        name: SubsetAnalysis.of(subsets, tasks, np.full(12, 100.0), SETTINGS, known)
        for name, known in (("with", affinity), ("without", None))
    }
    assert found["with"].surrogate == "affinity"
    assert found["without"].surrogate != "affinity"
    assert np.nanmean(found["with"].spearman) > np.nanmean(found["without"].spearman) + 0.2
