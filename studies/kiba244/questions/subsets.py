"""5. Surrogates from random subsets: do they agree with statTAG, and do they foretell harm?"""

import json

import numpy as np
import pandas as pd
from _fits import STUDY

from cotrain.curves import pairwise_effects
from cotrain.tasks import TaskTable
from questions._answer import (
    HURTS,
    OTHER,
    Answer,
    axes,
    counts,
    matrix,
    over_targets,
    spearman_within,
)
from questions.stattag import FDR, grid

PREDICTORS = ("surrogate", "majority", "affinity", "cosine", "always", "prior-random", "ceiling")


def answer() -> Answer:
    tasks = list(TaskTable.load(STUDY.table).tasks)
    relevance = pd.read_csv(STUDY.analysis / "relevance.csv")
    surrogate = matrix(relevance, "relevance", tasks, "source")
    summary = json.loads((STUDY.analysis / "summary.json").read_text(encoding="utf-8"))
    targets = pd.read_csv(STUDY.analysis / "surrogates.csv")
    agreement = []
    for score in ("log_loss", "auroc"):
        seen = grid(score)
        effect = pairwise_effects(seen.baseline, seen.augmented, fdr=FDR).effect.T
        np.fill_diagonal(effect, np.nan)
        found = over_targets(spearman_within(surrogate, effect))
        agreement.append({"score": score, "spearman": found})
    harm = pd.read_csv(STUDY.analysis / "negative_transfer.csv").set_index("predictor")
    predictions = pd.read_csv(STUDY.analysis / "predictions.csv")
    figures = {
        "score": summary["score"],
        "n_subsets": summary["n_subsets"],
        "n_repeats": summary["n_repeats"],
        "reliability": summary["reliability"],
        "spearman": over_targets(targets["spearman"].to_numpy()),
        "ceiling": over_targets(targets["ceiling"].to_numpy()),
        "pairs": counts(relevance["verdict"]),
        "agreement": agreement,
        "n_cases": len(predictions),
        "n_harmful": int(predictions["harmful"].sum()),
        "harm": [
            {"predictor": name, **_figures(harm.loc[name])}
            for name in PREDICTORS
            if name in harm.index
        ],
    }
    return Answer(figures, _picture(predictions))


def _figures(row: pd.Series) -> dict:
    names = ("f1", "balanced_accuracy", "mcc")
    return {name: float(row[name]) if pd.notna(row[name]) else None for name in names}


def _picture(predictions: pd.DataFrame):
    picture, (panel,) = axes(1, width=5.0, height=3.2)
    panel.hexbin(predictions["predicted"], predictions["measured"], gridsize=50, bins="log",
                 cmap="Blues", linewidths=0, rasterized=True)  # fmt: skip
    panel.axhline(0, color=HURTS, linewidth=0.6)
    panel.axvline(0, color=OTHER, linewidth=0.6)
    panel.set_xlabel("gain over the single task, foretold for held-out subsets", fontsize=8)
    panel.set_ylabel("measured", fontsize=8)
    return picture
