"""3. statTAG: which targets help which, does kinase family tell, and how sure is it?"""

from typing import Literal

import numpy as np
import other_folds
import pandas as pd
from _fits import STUDY, observe

from cotrain.analysis import GridScores
from cotrain.curves import domain_effects, pairwise_effects
from cotrain.reliability import split_half_reliability
from cotrain.tasks import TaskTable
from questions._answer import (
    HELPS,
    OTHER,
    Answer,
    axes,
    counts,
    matrix,
    mean_known,
    over_repeats,
    over_targets,
    share,
    spearman_within,
)

FDR = 0.05


def grid(score: str, labels: Literal["val", "test"] = "val") -> GridScores:
    """The statTAG grid of the study."""
    plan = STUDY.settings.plan.augmentations
    return observe(["subsets", "augmentations"], score, labels).grid(plan.levels, plan.repeats)


def answer() -> Answer:
    tasks = list(TaskTable.load(STUDY.table).tasks)
    figures: dict = {"n_targets": len(tasks), "rows": [], "family": []}
    measures = {}
    for score in ("auroc", "log_loss"):
        seen = grid(score)
        figures["rows"] += _verdicts(score, seen)
        measures[f"statTAG, {score}"] = pairwise_effects(seen.baseline, seen.augmented).effect.T
    figures["n_repeats"] = len(seen.baseline)
    figures["elsewhere"] = [_elsewhere(score) for score in ("auroc", "log_loss")]
    pairs = pd.read_csv(STUDY.analysis / "affinity.csv")
    measures["gradient affinity"] = matrix(pairs, "affinity", tasks, "source")
    measures["gradient cosine"] = matrix(pairs, "cosine", tasks, "source")
    relevance = pd.read_csv(STUDY.analysis / "relevance.csv")
    measures["surrogate"] = matrix(relevance, "relevance", tasks, "source")
    same = same_family(tasks)
    figures["n_family_pairs"] = int(same.sum())
    figures["n_family_targets"] = int(same.any(axis=1).sum())
    figures["family"] = [
        {"measure": name, **_family(values, same)} for name, values in measures.items()
    ]
    figures["within"] = [_within_family(score, same) for score in ("auroc", "log_loss")]
    return Answer(figures, _picture(measures, same), {"strongest": _strongest()})


def same_family(tasks: list[str]) -> np.ndarray:
    """Whether two different targets are of one kinase family, bool (K, K)."""
    known = pd.read_csv(STUDY.folder / "families.csv", keep_default_na=False)
    family = known.set_index("uniprot")["family"].reindex(tasks).to_numpy()
    same = (family[:, None] == family[None, :]) & (family != "")[:, None]
    np.fill_diagonal(same, val=False)
    return same


def _verdicts(score: str, seen) -> list[dict]:
    rows = []
    for name, at in [
        *((str(level), [place]) for place, level in enumerate(seen.levels)),
        ("all", list(range(len(seen.levels)))),
    ]:
        baseline, augmented = seen.baseline[:, at], seen.augmented[:, at]
        effects = pairwise_effects(baseline, augmented, fdr=FDR)
        given, taken = domain_effects(baseline, augmented, fdr=FDR)
        gains = (augmented - baseline[:, :, None]).mean(axis=1)
        own = np.einsum("rkk->rk", gains)
        off = ~np.eye(gains.shape[-1], dtype=bool)
        reliability = split_half_reliability(
            np.where(off, gains, np.nan), n_bootstrap=100, max_splits=10
        )
        waiting = effects.repeats_to_decide[off & (effects.verdict == "undecided")]
        waiting = waiting[~np.isnan(waiting)]
        # With many pairs at 10,000 repeats and more, the median may be infinite.
        half = float(np.median(waiting)) if waiting.size else float("nan")
        rows.append({
            "score": score,
            "level": name,
            **counts(effects.verdict[off]),
            "median_effect": float(np.nanmedian(np.abs(effects.effect[off]))),
            "half_width": float(np.nanmedian((effects.high - effects.low)[off]) / 2),
            "own": over_repeats(np.nanmean(own, axis=1)),
            "others": over_repeats(np.nanmean(gains[:, off], axis=1)),
            "given": counts(given.verdict),
            "taken": counts(taken.verdict),
            "reliability": {"value": reliability.mean, "low": reliability.low,
                            "high": reliability.high},
            "repeats_to_decide_half": half if np.isfinite(half) else None,
            "repeats_to_rank": _repeats_to_rank(reliability),
        })  # fmt: skip
    return rows


def _elsewhere(score: str) -> dict:
    """Whether effects at the highest level are seen again on other molecules."""
    seen = grid(score)
    baseline, augmented = seen.baseline[:, -1:], seen.augmented[:, -1:]
    here = pairwise_effects(baseline, augmented, fdr=FDR)
    there = mean_known(other_folds.effects(score))
    off = ~np.eye(len(there), dtype=bool)
    both = off & np.isfinite(here.effect) & np.isfinite(there)
    decided = both & np.isin(here.verdict, ("helps", "hurts"))
    same_sign = np.sign(here.effect) == np.sign(there)
    found = [np.where(both, effect, np.nan).T for effect in (here.effect, there)]
    return {
        "score": score,
        "n_repeats": other_folds.N_REPEATS,
        "spearman": over_targets(spearman_within(*found)),
        "decided_again": share(int((same_sign & decided).sum()), int(decided.sum())),
        "all_again": share(int((same_sign & both).sum()), int(both.sum())),
    }


def _repeats_to_rank(found) -> float | None:
    """Repeats whose mean would have a reliability of 0.8 (Spearman and Brown)."""
    r = found.mean
    return found.n_repeats * 0.8 * (1 - r) / (r * 0.2) if r > 0 else None


def _family(values: np.ndarray, same: np.ndarray) -> dict:
    """How well a measure tells a target's family from the others: the area under its ROC curve."""
    areas = np.full(len(values), np.nan)
    for target, (row, is_family) in enumerate(zip(values, same, strict=True)):
        known = np.isfinite(row)
        inside, outside = row[known & is_family], row[known & ~is_family]
        if inside.size and outside.size:
            wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
            areas[target] = wins
    return over_targets(areas)


def _within_family(score: str, same: np.ndarray) -> dict:
    """Mean statTAG effect within families and outside, and the difference, over repeats."""
    seen = grid(score)
    gains = (seen.augmented - seen.baseline[:, :, None]).mean(axis=1).swapaxes(1, 2)
    off = ~np.eye(len(same), dtype=bool)
    inside = np.nanmean(gains[:, same], axis=1)
    outside = np.nanmean(gains[:, off & ~same], axis=1)
    return {
        "score": score,
        "inside": over_repeats(inside),
        "outside": over_repeats(outside),
        "difference": over_repeats(inside - outside),
    }


def _strongest() -> pd.DataFrame:
    """The pairs with the smallest p-values, with genes."""
    known = pd.read_csv(STUDY.folder / "families.csv", keep_default_na=False).set_index("uniprot")
    pairs = pd.read_csv(STUDY.analysis / "pairwise.csv")
    top = pairs.nsmallest(20, "p_value").copy()
    for role in ("target", "auxiliary"):
        top[f"{role}_gene"] = top[role].map(known["gene"])
        top[f"{role}_family"] = top[role].map(known["family"])
    return top


def _picture(measures: dict[str, np.ndarray], same: np.ndarray):
    picture, (panel,) = axes(1, width=6.0, height=2.6)
    for at, values in enumerate(measures.values()):
        found = _family(values, same)
        if found["value"] is None:
            continue
        reach = [[found["value"] - found["low"]], [found["high"] - found["value"]]]
        panel.errorbar([found["value"]], [at], xerr=reach, fmt="o", color=HELPS, markersize=4)
    panel.axvline(0.5, color=OTHER, linewidth=0.8)
    panel.set_yticks(range(len(measures)), list(measures), fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel("how well sources of the target's family are told from others (AUROC)",
                     fontsize=8)  # fmt: skip
    return picture
