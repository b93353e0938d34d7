"""4. Does the gradient view see the same? Agreement with statTAG, power, and what each costs."""

import numpy as np
import pandas as pd
from _fits import STUDY

from cotrain.curves import pairwise_effects
from cotrain.gradients import AffinityRecord
from cotrain.reliability import paired_interval, split_half_reliability, verdicts
from questions._answer import (
    HELPS,
    OTHER,
    Answer,
    axes,
    counts,
    mean_known,
    over_targets,
    spearman_within,
)
from questions.stattag import FDR, grid


def answer() -> Answer:
    records = [AffinityRecord.load(path) for path in sorted(STUDY.affinity.glob("*.npz"))]
    affinity = np.stack([record.affinity for record in records])
    cosine = np.stack([np.where(_off(record.cosine), record.cosine, np.nan) for record in records])
    figures: dict = {"n_repeats": len(records), "agreement": [], "power": []}
    means = {}
    for score in ("auroc", "log_loss"):
        seen = grid(score)
        effects = pairwise_effects(seen.baseline, seen.augmented, fdr=FDR)
        gains = (seen.augmented - seen.baseline[:, :, None]).mean(axis=1)
        off = _off(effects.effect)
        gains = np.where(off, gains, np.nan)
        reliability = split_half_reliability(gains, n_bootstrap=2, max_splits=10)
        means[score] = np.where(off, effects.effect, np.nan).T
        figures["power"].append(
            {"measure": f"statTAG, {score}", **_power(effects.verdict[off], reliability)}
        )
        for name, values in (("affinity", affinity), ("cosine", cosine)):
            figures["agreement"].append({
                "measure": name,
                "score": score,
                "spearman": over_targets(spearman_within(mean_known(values), means[score])),
                "ceiling": _ceiling(values, reliability),
            })  # fmt: skip
    for name, values in (("affinity", affinity), ("cosine", cosine)):
        found = paired_interval(values)
        verdict = verdicts(found.estimate, found.p_value, FDR)[_off(found.estimate)]
        reliability = split_half_reliability(values.swapaxes(1, 2), n_bootstrap=2, max_splits=10)
        figures["power"].append({"measure": name, **_power(verdict, reliability)})
    figures["cost"] = pd.read_csv(STUDY.analysis / "costs.csv").to_dict("records")
    return Answer(figures, _picture(mean_known(affinity), means["auroc"]))


def _off(square: np.ndarray) -> np.ndarray:
    return ~np.eye(square.shape[-1], dtype=bool)


def _power(verdict: np.ndarray, reliability) -> dict:
    found = counts(verdict)
    return {
        **found,
        "decided": (found["helps"] + found["hurts"]) / verdict.size,
        "reliability": reliability.mean,
    }


def _ceiling(values: np.ndarray, reliability) -> float:
    """What noise in both measures leaves of a perfect correlation, the mean over targets."""
    own = split_half_reliability(values.swapaxes(1, 2), n_bootstrap=2, max_splits=10)
    product = np.maximum(own.per_target, 0) * np.maximum(reliability.per_target, 0)
    return float(np.nanmean(np.sqrt(product)))


def _picture(affinity: np.ndarray, effect: np.ndarray):
    picture, (panel,) = axes(1, width=5.0, height=3.2)
    known = np.isfinite(affinity) & np.isfinite(effect)
    panel.hexbin(affinity[known], effect[known], gridsize=60, bins="log", cmap="Blues",
                 linewidths=0, rasterized=True)  # fmt: skip
    panel.axhline(0, color=OTHER, linewidth=0.6)
    panel.axvline(0, color=HELPS, linewidth=0.6)
    panel.set_xlabel("gradient affinity of the source for the target", fontsize=8)
    panel.set_ylabel("statTAG effect on AUROC", fontsize=8)
    return picture
