"""2. Learning curves of each target: does EXP3 fit, which form is best, what others' labels do."""

import numpy as np
import pandas as pd
from _fits import STUDY
from folds import LEVELS

from cotrain.curves import CurveFits, fit_curves
from cotrain.training import load_fit_table
from questions._answer import (
    HELPS,
    HURTS,
    OTHER,
    Answer,
    axes,
    mean_known,
    over_targets,
    share,
)

FORMS = ("exp3.1", "exp4", "power", "ilog2")
SCORES, KINDS = ("auroc", "aupr"), ("single", "together")


def answer() -> Answer:
    fits = load_fit_table(STUDY.fits("scaffold_folds"))
    targets = sorted(fits["task"].unique())
    points = {
        (kind, score): _points(fits[fits["kind"] == kind], targets, score)
        for kind in KINDS
        for score in SCORES
    }
    figures = {
        "levels": list(LEVELS),
        "rows": [row for key, seen in points.items() for row in _foretold(*key, seen)],
        "fit": [_fit_of_exp3(*key, seen) for key, seen in points.items()],
        "others": [_others(points, targets, score)[0] for score in SCORES],
    }
    tables = pd.concat([_others(points, targets, score)[1] for score in SCORES])
    return Answer(figures, _picture(points), {"targets": tables})


def _points(fits: pd.DataFrame, targets: list[str], score: str) -> dict[str, np.ndarray]:
    """Counts of own and others' labels, scores, levels; (K, n), NaN where there is no score."""
    total = fits.groupby("fit_id")["n_labels"].transform("sum")
    wide = fits.assign(others=total - fits["n_labels"]).pivot_table(
        index="task", columns=["level", "repeat"], values=["n_labels", "others", f"test_{score}"]
    )
    wide = wide.reindex(index=targets)
    keys = wide["n_labels"].columns
    return {
        "own": wide["n_labels"].to_numpy(dtype=float),
        "others": wide["others"].reindex(columns=keys).to_numpy(dtype=float),
        "score": wide[f"test_{score}"].reindex(columns=keys).to_numpy(dtype=float),
        "level": keys.get_level_values("level").to_numpy(),
    }


def _curves(seen: dict[str, np.ndarray], form: str, below: bool) -> CurveFits:
    """One curve a target through single fits, without the highest level if `below`."""
    scores = seen["score"].copy()
    if below:
        scores[:, seen["level"] == LEVELS[-1]] = np.nan
    known = np.isfinite(scores)
    own = np.where(known, seen["own"], 2.0)  # any count that every form is defined at
    return fit_curves(own[..., None], np.where(known, scores, np.nan), form)


def _foretold(kind: str, score: str, seen: dict[str, np.ndarray]) -> list[dict]:
    """Error in the mean score at the highest level, foretold from the levels below it."""
    top, last = (seen["level"] == level for level in LEVELS[:-3:-1])
    measured = mean_known(seen["score"][:, top], 1)
    own = mean_known(seen["own"][:, top], 1)
    foretold = {
        form: _curves(seen, form, below=True).predict(own[:, None, None])[:, 0] for form in FORMS
    }
    foretold["last value"] = mean_known(seen["score"][:, last], 1)
    errors = {name: np.abs(value - measured) for name, value in foretold.items()}
    known = np.isfinite(list(errors.values())).all(axis=0)
    least = np.argmin([error[known] for error in errors.values()], axis=0)
    return [
        {
            "kind": kind,
            "score": score,
            "form": name,
            "error": over_targets(error[known], np.median),
            "least": share(int((least == at).sum()), int(known.sum())),
        }
        for at, (name, error) in enumerate(errors.items())
    ]


def _fit_of_exp3(kind: str, score: str, seen: dict[str, np.ndarray]) -> dict:
    """How far EXP3.1 is from the mean score of a level, beside how well that mean is known."""
    fits = _curves(seen, "exp3.1", below=False)
    misses, errors = [], []
    for level in LEVELS:
        at = seen["level"] == level
        n = np.isfinite(seen["score"][:, at]).sum(axis=1)
        own = np.nan_to_num(seen["own"][:, at])[..., None]
        predicted = mean_known(fits.predict(own), 1)
        misses.append(np.abs(predicted - mean_known(seen["score"][:, at], 1)))
        spread = np.nanstd(np.where(n[:, None] > 1, seen["score"][:, at], 0.0), axis=1, ddof=1)
        errors.append(spread / np.sqrt(np.maximum(n, 1)))
    rises = fits.parameters["a_own"] > 0
    return {
        "kind": kind,
        "score": score,
        "miss": over_targets(np.nanmean(misses, axis=0), np.median),
        "standard_error": over_targets(np.nanmean(errors, axis=0), np.median),
        "converged": share(int(fits.converged.sum()), int(rises.sum())),
        "at_ceiling": share(int(fits.at_bound["c"].sum()), int(rises.sum())),
    }


def _others(points: dict, targets: list[str], score: str) -> tuple[dict, pd.DataFrame]:
    """EXP3.2 through both kinds of fits: what the labels of all others do to each target."""
    kinds = [points[kind, score] for kind in KINDS]
    own, others, scores = (
        np.concatenate([seen[name] for seen in kinds], axis=1)
        for name in ("own", "others", "score")
    )
    columns = np.nan_to_num(np.stack([own, others], axis=2))
    fits = fit_curves(columns, scores, "exp3.2")
    a_own, a_others = fits.parameters["a_own"], fits.parameters["a_others"]
    error = fits.standard_errors["a_others"]
    judged = np.isfinite(a_others) & ~fits.at_bound["a_own"]
    positive = judged & (a_others > 0)
    table = pd.DataFrame(
        {
            "score": score,
            "target": targets,
            **fits.parameters,
            "standard_error_others": error,
            "others_per_own": np.where(positive, a_own / a_others, np.nan),
            "at_bound": [
                " ".join(name for name, hits in fits.at_bound.items() if hits[at])
                for at in range(len(targets))
            ],
        }
    )
    z = a_others / error
    return {
        "score": score,
        "positive": share(int(positive.sum()), int(judged.sum())),
        "clearly_positive": int((judged & (z > 1.96)).sum()),
        "clearly_negative": int((judged & (z < -1.96)).sum()),
        "rate": over_targets((a_own / a_others)[positive], np.median),
        "at_bound": int(fits.at_bound["a_own"].sum()),
    }, table


def _picture(points: dict):
    """Mean score over targets by level, alone and together; the middle half of targets."""
    picture, panels = axes(2)
    for score, panel in zip(SCORES, panels, strict=True):
        for kind, colour in zip(KINDS, (HURTS, HELPS), strict=True):
            seen = points[kind, score]
            by_level = np.stack(
                [mean_known(seen["score"][:, seen["level"] == level], 1) for level in LEVELS]
            )
            middle = np.nanmedian(by_level, axis=1)
            low, high = np.nanpercentile(by_level, [25, 75], axis=1)
            panel.fill_between(LEVELS, low, high, color=colour, alpha=0.15, linewidth=0)
            panel.plot(LEVELS, middle, "o-", color=colour, markersize=3, label=kind)
        panel.set_xlabel("training folds", fontsize=8)
        panel.set_ylabel(score.upper(), fontsize=8)
        panel.axhline(0.5, color=OTHER, linewidth=0.6) if score == "auroc" else None
    panels[0].legend(fontsize=8, frameon=False)
    return picture
