"""Tables of the gradient view: affinities, and what they tell of negative transfer."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from cotrain.analysis._subsets import SubsetAnalysis
from cotrain.gradients import AffinityRecord
from cotrain.surrogates import best_threshold, classify, spearman_by_target
from cotrain.tables import TABLES, pair_matrix


def affinity_table(records: Sequence[AffinityRecord], tasks: Sequence[str]) -> pd.DataFrame:
    """Affinity and gradient cosine of every pair, the mean over repeats; no rows of no records."""
    if not records:
        return TABLES["affinity"].empty()
    frames = [record.to_frame(tuple(tasks)) for record in records]
    pairs = pd.concat(frames).groupby(["recipient", "source"], sort=False)
    means = {name: (name, "mean") for name in ("affinity", "cosine")}
    table = pairs.agg(**means, n_steps=("count", "sum"))
    return table.reset_index().rename(columns={"recipient": "target"})


def affinity_steps(records: Sequence[AffinityRecord]) -> pd.DataFrame:
    """How affinity goes over training: one row a recorded step, each pair its mean over repeats.

    Quantiles over pairs, and the rank correlation of the pairs with their means over all other
    steps: with the step itself among them, noise alone would correlate. No rows of no records.
    """
    if not records:
        return TABLES["affinity_steps"].empty()
    history = np.concatenate([record.history for record in records]).astype(np.float64)
    between = history[:, ~np.eye(history.shape[1], dtype=bool)]
    step = np.concatenate([record.steps for record in records])
    pairs = pd.DataFrame(between, index=step).groupby(level=0).mean()
    rest = (pairs.sum() - pairs.fillna(0.0)) / (pairs.count() - pairs.notna())
    quantiles = pairs.quantile([0.05, 0.25, 0.5, 0.75, 0.95], axis=1).T
    quantiles.columns = pd.Index(["p05", "p25", "p50", "p75", "p95"])
    return quantiles.assign(
        n_pairs=pairs.count(axis=1), rank_correlation=spearman_by_target(pairs.T, rest.T)
    ).reset_index(names="step")


def affinity_figures(analysis: SubsetAnalysis, affinities: pd.DataFrame) -> pd.DataFrame:
    """How well affinity and cosine tell which held-out subsets hurt, as the surrogate is judged.

    A subset is held to hurt a target the more, the lower the mean affinity of its other members
    is; the threshold is chosen on the subsets that are not held out. No rows of no affinities.
    """
    if affinities.empty:
        return pd.DataFrame()
    held_out = np.isin(np.arange(len(analysis.indicators)), analysis.negative.held_out)
    effects, rows = analysis.mean_effects, []
    for name in ("affinity", "cosine"):
        harm = -_mean_of_sources(analysis.indicators, pair_matrix(affinities, analysis.tasks, name))
        known = ~np.isnan(harm) & ~np.isnan(effects)
        chosen, judged = (known & part[:, None] for part in (~held_out, held_out))
        seen, hurts = effects[chosen] < 0, effects[judged] < 0
        # Where all or none of those seen hurt, all or none of the others are said to.
        threshold = -np.inf if seen.all() else np.inf
        if seen.any() and not seen.all():
            threshold = best_threshold(seen, harm[chosen])
        figures = asdict(classify(hurts, harm[judged] >= threshold, harm[judged]))
        counts = {"n_subsets": int(judged.sum()), "n_harmful": int(hurts.sum())}
        rows.append({"predictor": name, **figures, **counts})
    return pd.DataFrame(rows)


def _mean_of_sources(indicators: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Mean over a subset's other members of their affinity for each target, (n_subsets, K)."""
    known = ~np.isnan(pairs)
    total = indicators @ np.where(known, pairs, 0.0).T
    count = indicators @ known.T.astype(np.float64)
    inside = (indicators > 0) & (count > 0)
    return np.where(inside, total / np.where(count > 0, count, np.nan), np.nan)
