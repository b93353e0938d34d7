"""6. One model of every fit: held-out error, the top level foretold, where to label next."""

import numpy as np
from _fits import observe

from cotrain.analysis import Observations
from cotrain.curves import TransferModel, fit_curves
from cotrain.reliability import paired_interval
from lab.acquisition import STRATEGIES, LabelState
from lab.extrapolation import Extrapolation, extrapolate
from questions._answer import HELPS, OTHER, Answer, axes, over_targets
from questions.stattag import grid

SCORE, SEED = "auroc", 0
# The share of a fold's labels of all targets that may be bought.
BUDGET = 0.2
# Each strategy that asks the model fits it anew; its uncertainty is left out to save the time.
# Fewer rounds and judges than the model's own defaults, for time.
QUICK = {"ranks": (0,), "n_updates": 2, "n_judged": 10, "random_state": SEED}
CHOSEN = ("uniform", "proportional", "own curves", "transfer model")


def answer() -> Answer:
    every = observe(["subsets", "augmentations"], SCORE)
    seen = every.over_seeds()
    held = _held_out(seen)
    model = TransferModel(**QUICK)
    model.fit(seen.counts[~held], seen.scores[~held], seen.blocks[~held])
    # Chosen once: the choice takes longer than a fit.
    strength = model.choices_[0].strength
    alike = TransferModel(strengths=(strength,), **QUICK)
    figures = {
        "n_fits": len(every.fits),
        "n_means": len(seen.fits),
        "n_held_out": int(held.sum()),
        "strength": strength,
        "strengths": [*model.strengths],
        "held_out": _errors(seen, held, model),
        "extrapolation": _extrapolation(every, seen, alike),
        "acquisition": _acquisition(every, alike),
    }
    return Answer(figures, _picture(figures))


def _held_out(seen: Observations) -> np.ndarray:
    """A quarter of the subsets."""
    rng = np.random.default_rng(SEED)
    return np.array([fit.kind == "subset" and rng.random() < 0.25 for fit in seen.fits])


def _errors(seen: Observations, held: np.ndarray, model: TransferModel) -> list[dict]:
    """Root mean squared error on the held-out subsets, the mean over targets.

    Subsets leave other things to foretell than single tasks and augmentations do: each predictor's
    mean error on the subsets that it was fitted to is taken out of what it says of the others.
    """
    predictions = {
        "transfer model": model.predict(seen.counts),
        "EXP3.2 by target": _by_curve(seen, held),
        "target's mean": np.zeros(seen.scores.shape),
    }
    is_subset = np.array([fit.kind == "subset" for fit in seen.fits])
    errors = {}
    for name, predicted in predictions.items():
        gap = seen.scores - predicted
        gap = gap[held] - np.nanmean(gap[~held & is_subset], axis=0)
        errors[name] = np.sqrt(np.nanmean(np.square(gap), axis=0))
    best = errors["transfer model"]
    return [
        {
            "predictor": name,
            "error": over_targets(error),
            "less_model": over_targets(error - best) if name != "transfer model" else None,
        }
        for name, error in errors.items()
    ]


def _by_curve(seen: Observations, held: np.ndarray) -> np.ndarray:
    own, others = seen.counts.T, (seen.counts.sum(axis=1, keepdims=True) - seen.counts).T
    columns = np.stack([own, others], axis=2)
    fits = fit_curves(columns[:, ~held], seen.scores[~held].T, "exp3.2", random_state=SEED)
    return fits.predict(columns).T


def _extrapolation(every: Observations, seen: Observations, model: TransferModel) -> dict:
    """The transfer model from means over seeds; curves from every fit of all targets alike."""
    n_tasks = seen.counts.shape[1]
    whole = [fit.auxiliary is None and len(fit.members) == n_tasks for fit in every.fits]
    found = _foretold(every.take(np.array(whole)), model)
    joint = _foretold(seen, model)
    found.predictions["transfer model"] = np.broadcast_to(
        joint.predictions["transfer model"], found.scores.shape
    )
    levels = {fit.level for fit in seen.fits}
    # Three levels on the same folds are too few points for EXP3.2.
    able = {name: said for name, said in found.predictions.items() if np.isfinite(said).any()}
    known = np.isfinite(found.scores)
    for predicted in able.values():
        known &= np.isfinite(predicted)
    rows = []
    for name, predicted in able.items():
        error = np.where(known, np.abs(predicted - found.scores), np.nan)
        rows.append(
            {"predictor": name, "error": over_targets(np.nanmean(error, axis=0), np.median)}
        )
    return {
        "rows": rows,
        "seed_noise": found.repeat_noise,
        "interval_coverage": joint.interval_coverage,
        "unable": sorted(set(found.predictions) - set(able)),
        "top_level": max(levels),
    }


def _foretold(seen: Observations, model: TransferModel) -> Extrapolation:
    levels = np.array([fit.level for fit in seen.fits])
    auxiliary = np.array([-1 if fit.auxiliary is None else fit.auxiliary for fit in seen.fits])
    return extrapolate(
        seen.counts, seen.scores, levels, auxiliary, seen.blocks, model=model, random_state=SEED
    )


def _acquisition(seen: Observations, model: TransferModel) -> list[dict]:
    """What each strategy's choice at the highest augmented level pays, per 1,000 labels.

    Strategies see validation scores of the other repeats, and never the augmentations of that
    level; their choice is paid by the gains in test scores that the repeat left out measured, taken
    to add up over targets.
    """
    measured = grid(SCORE, "test")
    top = measured.levels[-1]
    gains = np.nanmean(measured.augmented[:, -1] - measured.baseline[:, -1, None, :], axis=2)
    repeats = np.array([fit.repeat for fit in seen.fits])
    levels = np.array([fit.level for fit in seen.fits])
    augmented = np.array([fit.auxiliary is not None for fit in seen.fits])
    paid: dict[str, list[float]] = {name: [] for name in CHOSEN}
    for repeat in range(len(gains)):
        known = (repeats != repeat) & ((levels < top) | ((levels == top) & ~augmented))
        counts, available = _fold_of(seen, repeats == repeat, top)
        budget = int(BUDGET * available.sum())
        told = seen.take(known).over_seeds()
        for name in CHOSEN:
            state = LabelState(
                told.counts, told.scores, counts, available, budget, model, told.blocks
            )
            labels = STRATEGIES[name](state)
            worth = gains[repeat] * labels / np.maximum(available, 1)
            paid[name].append(1000 * float(np.nansum(worth)) / budget)
    reference = np.array(paid["uniform"])
    rows = []
    for name, values in paid.items():
        gap = paired_interval(np.array(values) - reference)
        rows.append({
            "strategy": name,
            "gain": float(np.mean(values)),
            "over_uniform": {"value": float(gap.estimate), "low": float(gap.low),
                             "high": float(gap.high)},
        })  # fmt: skip
    return rows


def _fold_of(seen: Observations, of: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels at a level of a repeat, and those that the next fold adds, (K,) each."""
    n_tasks = seen.counts.shape[1]
    base, added = None, np.zeros(n_tasks)
    for at in np.flatnonzero(of):
        fit = seen.fits[at]
        if fit.level == level and fit.auxiliary is None and len(fit.members) == n_tasks:
            base = seen.counts[at].astype(float)
    for at in np.flatnonzero(of):
        fit = seen.fits[at]
        if fit.level == level and fit.auxiliary is not None:
            added[fit.auxiliary] = seen.counts[at][fit.auxiliary] - base[fit.auxiliary]
    return base, added


def _picture(figures: dict):
    picture, panels = axes(2)
    for panel, rows in zip(
        panels, (figures["held_out"], figures["extrapolation"]["rows"]), strict=True
    ):
        for at, row in enumerate(rows):
            found = row["error"]
            reach = [[found["value"] - found["low"]], [found["high"] - found["value"]]]
            panel.errorbar([found["value"]], [at], xerr=reach, fmt="o", color=HELPS, markersize=4)
        panel.set_yticks(range(len(rows)), [row["predictor"] for row in rows], fontsize=8)
        panel.invert_yaxis()
    panels[0].set_xlabel("RMSE on held-out subsets (AUROC)", fontsize=8)
    panels[1].set_xlabel("error at the top level (AUROC)", fontsize=8)
    panels[1].axvline(figures["extrapolation"]["seed_noise"], color=OTHER, linewidth=0.8)
    return picture
