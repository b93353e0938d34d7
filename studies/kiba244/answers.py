"""The tables of results/ that answer the first run's questions anew: `python answers.py`.

After `questions.py`. What is bought where labels are simulated to be bought is trained here.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from questions import (
    BUDGETS,
    BUYERS,
    GROUPINGS,
    LEVELS,
    N_SUBSETS,
    STUDY,
    allocation_fit,
    at_hand,
    contest_of,
    contest_results,
    planned,
    subset_analysis,
    turn_of,
)

from cotrain.allocation import Fit
from cotrain.analysis import SubsetAnalysis
from cotrain.comparison import compare_groupings, score_ways
from cotrain.curves import EXP32, TransferModel, fit_curves, together_effects
from cotrain.files import write_csv
from cotrain.means import mean_known
from cotrain.reliability import paired_interval
from cotrain.scores import SCORES
from cotrain.stages._sweep import Trainer
from cotrain.training import load_fit_table

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "benchmarks"))  # for `lab`
from lab.acquisition import STRATEGIES, simulate_acquisition  # noqa: E402
from lab.curve_forms import SINGLE_COLUMN_FORMS, foretell  # noqa: E402
from lab.curve_shapes import get_form, standard_errors  # noqa: E402

AUROC = list(SCORES).index("auroc")
SHARE = 0.2  # of the labels not at hand that are bought
N_KNOWN = LEVELS[-2]  # folds that are at hand
BOUGHT_BY = ("uniform", "proportional", "own curves", "transfer model")
Row = dict[str, object]


def over_targets(name: str, values: np.ndarray, statistic: Callable = np.mean) -> Row:
    """A statistic over targets, with its 95 % interval by drawing targets anew."""
    known = values[np.isfinite(values)]
    drawn = np.random.default_rng(0).integers(len(known), size=(2000, len(known)))
    low, high = np.percentile(statistic(known[drawn], axis=1), [2.5, 97.5])
    return {name: statistic(known), f"{name}_low": low, f"{name}_high": high}


def over_repeats(name: str, differences: np.ndarray) -> Row:
    found = paired_interval(differences)
    estimate, low, high = (float(part) for part in (found.estimate, found.low, found.high))
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}


def by_turn(fits: pd.DataFrame, kind: str, level: int, value: str) -> pd.DataFrame:
    """One row a turn, one column a target."""
    rows = fits[(fits["kind"] == kind) & (fits["level"] == level)]
    return rows.pivot_table(index="repeat", columns="task", values=value, dropna=False)


def folds() -> list[Row]:
    """Each target alone and all together, every fold once the test fold."""
    rows = []
    for split, name in (("scaffold", "folds"), ("random", "random-folds")):
        fits = load_fit_table(STUDY.fits(name))
        for score in ("auroc", "aupr"):
            alone, every = (
                by_turn(fits, kind, LEVELS[-1], f"test_{score}") for kind in ("single", "together")
            )
            every = every.reindex_like(alone)
            gains = (every - alone).to_numpy()
            found = together_effects(alone.to_numpy()[:, None], every.to_numpy()[:, None])
            in_all = np.isfinite(gains).all(axis=0)
            rises = found.effect[np.isfinite(found.effect)] > 0
            counts = {name: int((found.verdict == name).sum())
                      for name in ("helps", "hurts", "undecided", "unknown")}  # fmt: skip
            rows.append({
                "split": split, "score": score, "n_folds": len(gains),
                "alone": alone.where(every.notna()).mean().mean(),
                "together": every.where(alone.notna()).mean().mean(),
                **over_repeats("gain", gains[:, in_all].mean(axis=1)),
                **over_targets("better", rises.astype(float)),
                **counts,
            })  # fmt: skip
    return rows


def points(kind: str) -> list[np.ndarray]:
    """Labels of one's own and of all others, test AUROC; (targets, levels, turns)."""
    fits = load_fit_table(STUDY.fits("folds"))
    fits["others"] = fits.groupby("fit_id")["n_labels"].transform("sum") - fits["n_labels"]
    tasks = sorted(fits.loc[fits["kind"] == "single", "task"].unique())
    turns = sorted(fits["repeat"].unique())
    return [
        np.stack(
            [by_turn(fits, kind, level, value).reindex(turns, columns=tasks).T for level in LEVELS],
            axis=1,
        )
        for value in ("n_labels", "others", "test_auroc")
    ]


def curves() -> list[Row]:
    """Error at the highest level, foretold from those below it."""
    rows = []
    for kind in ("single", "together"):
        own, _, scores = points(kind)
        n, top, at = (
            len(own),
            mean_known(scores[:, -1], 1),
            mean_known(own[:, -1], 1)[:, None, None],
        )
        seen, labels = scores[:, :-1].reshape(n, -1), own[:, :-1].reshape(n, -1)
        labels = np.where(np.isfinite(seen), labels, 2.0)  # where every form is defined
        said = {
            form: fit_curves(labels[..., None], seen, get_form(form)).predict(at)[:, 0]
            for form in SINGLE_COLUMN_FORMS
        }
        said["mean of all forms"] = np.array([
            foretell(x[known][:, None], y[known], to)[0]
            for x, y, to in zip(labels, seen, at, strict=True)
            if (known := np.isfinite(y)).any()
        ])  # fmt: skip
        said["last value"] = mean_known(scores[:, -2], 1)
        errors = {form: np.abs(value - top) for form, value in said.items()}
        known = np.isfinite([*errors.values()]).all(axis=0)
        rows += [
            {"fits": kind, "form": form, **over_targets("error", error[known], np.median)}
            for form, error in errors.items()
        ]
    return rows


def others() -> list[Row]:
    """EXP3.2 through both kinds of fits: what the labels of all others do to each target."""
    own, rest, scores = (
        np.concatenate([part.reshape(len(part), -1) for part in pair], axis=1)
        for pair in zip(points("single"), points("together"), strict=True)
    )
    counts = np.nan_to_num(np.stack([own, rest], axis=2))
    fits = fit_curves(counts, scores, EXP32)
    a_own, a_others = fits.parameters["a_own"], fits.parameters["a_others"]
    z = a_others / standard_errors(fits, counts, scores)["a_others"]
    judged = np.isfinite(a_others) & ~fits.at_bound["a_own"]
    helped = judged & (a_others > 0)
    return [{
        **over_targets("helped", (a_others[judged] > 0).astype(float)),
        "clearly_above": int((judged & (z > 1.96)).sum()),
        "clearly_below": int((judged & (z < -1.96)).sum()),
        **over_targets("rate", (a_own / a_others)[helped], np.median),
    }]  # fmt: skip


def subsets(trainer: Trainer) -> list[Row]:
    """What subsets tell of others, seeds alone being different."""
    family = pd.read_csv(HERE / "families.csv").set_index("uniprot")["family"]
    kin = family.reindex(trainer.table.tasks).to_numpy()
    same = np.array([kin == one for one in kin]) & ~pd.isna(kin)
    return [_subsets(subset_analysis(trainer, n), same) for n in (100, 200, N_SUBSETS)]


def _subsets(found: SubsetAnalysis, same: np.ndarray) -> Row:
    harm = found.tables()["negative_transfer"].set_index("predictor")["f1"]
    pairs = zip(found.relevance.estimate, same, strict=True)
    areas = np.array([_area(row, own, at) for at, (row, own) in enumerate(pairs)])
    return {
        "n_subsets": len(found.indicators), "n_repeats": len(found.effects),
        "surrogate": found.surrogate, "reliability": found.reliability.mean,
        "reliability_low": found.reliability.low, "reliability_high": found.reliability.high,
        **over_targets("spearman", found.spearman), **over_targets("ceiling", found.ceiling),
        "decided": int(np.isin(found.relevance.verdict, ("helps", "hurts")).sum()),
        "n_cases": int(found.negative.scored.sum()),
        "n_harmful": int(found.negative.negative.sum()),
        "f1": harm["surrogate"], "f1_majority": harm["majority"],
        **over_targets("family", areas),
    }  # fmt: skip


def _area(values: np.ndarray, same: np.ndarray, own: int) -> float:
    """How well sources of the target's family are told from others (AUROC)."""
    known = np.isfinite(values) & (np.arange(len(values)) != own)
    inside, outside = values[known & same][:, None], values[known & ~same]
    if not inside.size or not outside.size:
        return float("nan")
    return float((inside > outside).mean() + 0.5 * (inside == outside).mean())


def budgets(trainer: Trainer) -> tuple[list[Row], pd.DataFrame]:
    """Each way's test scores, and what the recommended groupings have over the others."""
    made = json.loads(GROUPINGS.read_text(encoding="utf-8"))
    contest = contest_of(trainer.table, made)
    repeats = contest.outputs(contest_results(trainer, contest))
    scored = {name: one.raw for name, one in score_ways(contest.ways, repeats, 0).items()}
    rows, against = [], []
    for score in ("auroc", "log_loss"):
        found = {name: one.column(score) for name, one in scored.items()}
        for way in contest.ways:
            name, _, n = way.name.partition(", ")
            row = {"score": score, "way": name, "budget": n, "n_models": len(way.models),
                   "mean": np.nanmean(found[way.name].values)}  # fmt: skip
            if name != "single-task":
                gain = _over(found, way.name, ["single-task"], score, trainer).iloc[0]
                row |= {"gain": gain["difference"], "gain_low": gain["low"],
                        "gain_high": gain["high"]}  # fmt: skip
            rows.append(row)
        for n in BUDGETS:
            others = ("ensemble", "gradient affinity", "clustering", "random")
            rivals = ["all together", *(f"{name}, {n}" for name in others)]
            gaps = _over(found, f"recommended, {n}", rivals, score, trainer)
            against.append(gaps.assign(score=score, budget=n))
    return rows, pd.concat(against)


def _over(
    found: dict[str, Any], first: str, rivals: list[str], score: str, trainer: Trainer
) -> pd.DataFrame:
    """What one way has over others: intervals over repeats and test molecules."""
    ways, sign = [found[name] for name in (first, *rivals)], SCORES[score].sign
    values = sign * np.stack([one.values for one in ways], axis=1)
    without = sign * np.stack([one.without for one in ways], axis=1)
    named = [first, *rivals]
    return compare_groupings(values, named, trainer.table.tasks, without=without)[0]


def labels(trainer: Trainer) -> list[Row]:
    """What labels bought by each strategy gain in test AUROC, by training with them."""
    gains = {name: [] for name in BOUGHT_BY}
    after, n_bought = {name: [] for name in BOUGHT_BY}, []
    for test in BUYERS:
        turn, known = turn_of(test, trainer.table.n_folds), at_hand(trainer.table, test)
        held = trainer.table.label_counts[:, turn.folds.train]
        hidden = held[:, N_KNOWN:]

        def bought(revealed: np.ndarray, turn=turn) -> tuple[np.ndarray, np.ndarray]:
            fits = [allocation_fit(N_KNOWN + revealed, turn, draw) for draw in range(2)]
            return _scores(trainer, fits)

        seen = [_scores(trainer, [fit])[0] for fit in known]
        for name in BOUGHT_BY:
            path = simulate_acquisition(
                bought, STRATEGIES[name],
                np.array([fit.allocation.counts(trainer.table.label_counts) for fit in known]),
                np.array(seen), held[:, :N_KNOWN].sum(axis=1), hidden,
                int(SHARE * hidden.sum()), 1,
                own_folds=np.array([fit.allocation.matrix.sum(axis=1) for fit in known]),
                model=TransferModel(ranks=(0,), random_state=0),
            )  # fmt: skip
            gains[name].append(1000 * path.gain_per_label)
            after[name].append(np.nanmean(path.scores[-1]))
            n_bought.append((path.counts[-1] - path.counts[0]).sum())
    uniform = np.array(gains["uniform"])
    return [
        {"strategy": name, "n_turns": len(values), "n_bought": float(np.mean(n_bought)),
         "after": np.mean(after[name]), "gain": np.mean(values),
         **over_repeats("over_uniform", np.array(values) - uniform)}
        for name, values in gains.items()
    ]  # fmt: skip


def _scores(trainer: Trainer, fits: list[Fit]) -> tuple[np.ndarray, np.ndarray]:
    """Mean validation and test AUROC of fits that differ in seed alone, (K,) each."""
    found = trainer.results(planned(trainer, "bought", fits)).values()
    both = np.full((2, len(found), trainer.table.n_tasks), np.nan)
    for place, one in enumerate(found):
        both[:, place, one.tasks] = one.validation[:, AUROC], one.test[:, AUROC]
    return tuple(both.mean(axis=1))


def main() -> None:
    trainer = Trainer.of(STUDY)
    asked = {
        "folds": folds, "curves": curves, "others": others,
        "subsets": lambda: subsets(trainer), "labels": lambda: labels(trainer),
    }  # fmt: skip
    found = {name: asked[name]() for name in sys.argv[1:] or asked if name in asked}
    if not sys.argv[1:] or "budgets" in sys.argv:
        found["budgets"], found["against"] = budgets(trainer)
    for name, rows in found.items():
        write_csv(HERE / "results" / f"{name}.csv", pd.DataFrame(rows).round(5))


if __name__ == "__main__":
    main()
