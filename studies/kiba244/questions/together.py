"""1. Does multi-task training help? Each task alone against all together, fold by fold."""

import numpy as np
import pandas as pd
from _fits import STUDY
from folds import LEVELS

from cotrain.curves import together_effects
from cotrain.training import load_fit_table
from questions._answer import HELPS, HURTS, Answer, axes, counts, over_repeats, over_targets, share

SPLITS, SCORES = ("scaffold", "random"), ("auroc", "aupr")


def answer() -> Answer:
    figures, tables = {"n_folds": 0, "rows": []}, []
    picture, panels = axes(2)
    for split, panel in zip(SPLITS, panels, strict=True):
        fits = load_fit_table(STUDY.fits(f"{split}_folds"))
        top = fits[fits["level"] == LEVELS[-1]]
        for score in SCORES:
            alone, together = (_by_fold(top, kind, score) for kind in ("single", "together"))
            table = _by_target(alone, together, split, score)
            tables.append(table)
            figures["rows"].append(_row(alone, together, table, split, score))
        figures["n_folds"] = len(alone)
        figures["n_targets"] = alone.shape[1]
        _scatter(panel, tables[-2], split)
    figures["by_size"] = _by_size(tables[0], load_fit_table(STUDY.fits("scaffold_folds")))
    return Answer(figures, picture, {"targets": pd.concat(tables, ignore_index=True)})


def _by_fold(fits: pd.DataFrame, kind: str, score: str) -> pd.DataFrame:
    """Test scores, one row a fold and one column a target."""
    rows = fits[fits["kind"] == kind]
    return rows.pivot_table(index="repeat", columns="task", values=f"test_{score}", dropna=False)


def _by_target(alone: pd.DataFrame, together: pd.DataFrame, split: str, score: str) -> pd.DataFrame:
    together = together.reindex_like(alone)
    effects = together_effects(alone.to_numpy()[:, None], together.to_numpy()[:, None])
    return pd.DataFrame(
        {
            "split": split,
            "score": score,
            "target": alone.columns,
            "n_folds": effects.n_repeats,
            "single": alone.where(together.notna()).mean().to_numpy(),
            "together": together.where(alone.notna()).mean().to_numpy(),
            "gain": effects.effect,
            "low": effects.low,
            "high": effects.high,
            "verdict": effects.verdict,
            "folds_to_decide": effects.repeats_to_decide,
        }
    )


def _row(
    alone: pd.DataFrame, together: pd.DataFrame, table: pd.DataFrame, split: str, score: str
) -> dict:
    gains = (together.reindex_like(alone) - alone).to_numpy()
    everywhere = np.isfinite(gains).all(axis=0)
    known = table[table["gain"].notna()]
    wanted = table.loc[table["verdict"] == "undecided", "folds_to_decide"]
    return {
        "split": split,
        "score": score,
        "single": float(known["single"].mean()),
        "together": float(known["together"].mean()),
        "over_targets": over_targets(known["gain"].to_numpy()),
        "over_folds": over_repeats(gains[:, everywhere].mean(axis=1)),
        "better": share(int((known["gain"] > 0).sum()), len(known)),
        "verdicts": counts(table["verdict"]),
        "folds_to_decide_half": float(wanted.median()) if len(wanted) else None,
    }


def _by_size(table: pd.DataFrame, fits: pd.DataFrame) -> list[dict]:
    """Gain in AUROC by quarters of the number of training labels."""
    own = fits[(fits["kind"] == "together") & (fits["level"] == LEVELS[-1])]
    n_labels = table["target"].map(own.groupby("task")["n_labels"].mean())
    quarter = pd.qcut(n_labels, 4, labels=False)
    return [
        {
            "lowest": float(n_labels[quarter == at].min()),
            "highest": float(n_labels[quarter == at].max()),
            "single": float(table.loc[quarter == at, "single"].mean()),
            "gain": over_targets(table.loc[quarter == at, "gain"].to_numpy()),
        }
        for at in range(4)
    ]


def _scatter(panel, table: pd.DataFrame, split: str) -> None:
    colour = np.where(table["gain"] > 0, HELPS, HURTS)
    panel.scatter(table["single"], table["together"], s=9, c=colour, alpha=0.7, linewidths=0)
    ends = [min(panel.get_xlim()[0], panel.get_ylim()[0]), 1.0]
    panel.plot(ends, ends, color="#777777", linewidth=0.8)
    panel.set_title(f"{split} folds", fontsize=9, loc="left")
    panel.set_xlabel("AUROC alone", fontsize=8)
    panel.set_ylabel("AUROC, all together", fontsize=8)
