"""7. Grouping: the recommended one against others on test labels, at several numbers of models."""

import json

import numpy as np
import pandas as pd
from _fits import STUDY

from cotrain.allocation import encode_tasks
from cotrain.reliability import holm, paired_interval
from cotrain.scores import find_score
from cotrain.tasks import TaskTable
from cotrain.training import load_fit_table
from questions._answer import HELPS, HURTS, OTHER, Answer, axes

SCORES = ("auroc", "log_loss")
BUDGETS = (3, 10, 30)
COLOURS = {
    "recommended": HELPS,
    "gradient affinity": HURTS,
    "clustering": "#009e73",
    "random": OTHER,
}


def answer() -> Answer:
    tasks = list(TaskTable.load(STUDY.table).tasks)
    path = STUDY.folder / "data" / "budgets" / "groupings.json"
    ways = json.loads(path.read_text(encoding="utf-8"))
    fits = load_fit_table(STUDY.fits("budgets"))
    figures: dict = {"n_repeats": int(fits["repeat"].nunique()), "n_targets": len(tasks)}
    figures["n_fits"] = int(fits["fit_id"].nunique())
    served = {score: _served(fits, ways, tasks, score) for score in SCORES}
    figures["rows"] = [row for score in SCORES for row in _rows(served[score], ways, score)]
    figures["against"] = [row for score in SCORES for row in _against(served[score], score)]
    return Answer(figures, _picture(figures["rows"]))


def _served(fits: pd.DataFrame, ways: dict, tasks: list[str], score: str) -> dict[str, np.ndarray]:
    """Mean test score over targets by repeat, for each way, higher is better.

    A target is served by the group whose validation score, averaged over repeats, is best.
    """
    place = {name: index for index, name in enumerate(tasks)}
    validation, test = (
        fits.pivot_table(index=["members", "task"], columns="repeat", values=f"{part}_{score}")
        for part in ("val", "test")
    )
    sign = find_score(score).sign
    found = {}
    for way, groupings in ways.items():
        scores = []
        for grouping in groupings:
            best = dict.fromkeys(tasks, (-np.inf, None))
            for group in grouping:
                members = encode_tasks(place[name] for name in group)
                for name in group:
                    key = (members, name)
                    if key in validation.index:
                        value = sign * validation.loc[key].mean()
                        best[name] = max(best[name], (value, key), key=lambda pair: pair[0])
            rows = [
                sign * test.loc[key].to_numpy()
                if key in test.index
                else np.full(test.shape[1], np.nan)
                for _, key in best.values()
            ]
            scores.append(rows)
        found[way] = np.mean(scores, axis=0).T  # (repeats, targets)
    everywhere = np.isfinite(list(found.values())).all(axis=(0, 1))
    return {way: values[:, everywhere].mean(axis=1) for way, values in found.items()}


def _rows(served: dict[str, np.ndarray], ways: dict, score: str) -> list[dict]:
    rows = []
    for way, values in served.items():
        gain = paired_interval(values - served["single-task"])
        rows.append({
            "way": way.split(",")[0],
            "budget": int(way.split(",")[1]) if "," in way else None,
            "n_models": float(np.mean([len(one) for one in ways[way]])),
            "score": score,
            "mean": float(values.mean()),
            "gain": {"value": float(gain.estimate), "low": float(gain.low),
                     "high": float(gain.high)},
        })  # fmt: skip
    return rows


def _against(served: dict[str, np.ndarray], score: str) -> list[dict]:
    """What the recommended grouping has over each other one of its budget; p-values are Holm's."""
    rows, values = [], []
    for budget in BUDGETS:
        best = served[f"recommended, {budget}"]
        rivals = [f"{way}, {budget}" for way in COLOURS if way != "recommended"]
        for rival in ["all together", *rivals]:
            gap = best - served[rival]
            found = paired_interval(gap)
            values.append(float(found.p_value))
            rows.append({
                "budget": budget,
                "rival": rival.split(",")[0],
                "score": score,
                "value": float(found.estimate),
                "low": float(found.low),
                "high": float(found.high),
            })  # fmt: skip
    for row, p_value in zip(rows, holm(values), strict=True):
        row["p_value"] = float(p_value)
        row["verdict"] = (
            "undecided" if p_value > 0.05 else "better" if row["value"] > 0 else "worse"
        )
    return rows


def _picture(rows: list[dict]):
    picture, panels = axes(2)
    for score, panel in zip(SCORES, panels, strict=True):
        of = [row for row in rows if row["score"] == score]
        for way, colour in COLOURS.items():
            line = sorted((r["budget"], r["gain"]) for r in of if r["way"] == way)
            at = [budget for budget, _ in line]
            panel.plot(at, [gain["value"] for _, gain in line], "o-", color=colour, markersize=3,
                       label=way)  # fmt: skip
            panel.fill_between(at, [gain["low"] for _, gain in line],
                               [gain["high"] for _, gain in line], color=colour, alpha=0.12,
                               linewidth=0)  # fmt: skip
        together = next(row["gain"]["value"] for row in of if row["way"] == "all together")
        panel.axhline(together, color="#777777", linewidth=0.8, linestyle="--")
        panel.set_xscale("log")
        panel.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])
        panel.set_xlabel("models (dashed: all together)", fontsize=8)
        panel.set_ylabel(f"gain over single tasks, {score.replace('_', ' ')}", fontsize=8)
    panels[0].legend(fontsize=7, frameon=False)
    return picture
