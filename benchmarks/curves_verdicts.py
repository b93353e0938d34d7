"""Verdicts of the statTAG grid on trained models, with a planted harmful task and with placebos.

    python benchmarks/curves_verdicts.py FOLDER [--repeats 240]

The data are made by the `params.yaml` in FOLDER, with seeds of their own. Nothing is recorded.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from cotrain.allocation import augmentations
from cotrain.curves import pairwise_effects
from cotrain.preparation import prepare
from cotrain.reliability import paired_interval
from cotrain.settings import Settings
from cotrain.sources import make_synthetic
from cotrain.study import Study
from curves_study import markdown
from curves_training import AUROC, Bench
from lab.domain_effects import domain_effects

# Seeds of the made data, and studies that the repeats of each are dealt out to.
DATA_SEEDS, N_STUDIES = range(1, 9), 4
FIRST_SEED = 5000  # of the trainings


def verdicts(settings: Settings, n_repeats: int) -> str:
    """Verdicts of statTAG grids with a planted harmful task, on made data of seeds of its own.

    The repeats of each data set are dealt out to studies. A verdict is false if the mean effect in
    the other studies' repeats has the other sign, and confirmed if their 95 % interval lies on its
    side of 0. In a second grid, half of the useful auxiliaries get a placebo: no labels more and
    other training seeds, so that every verdict on them is false.
    """
    judged = [_judged(settings, seed, n_repeats) for seed in DATA_SEEDS]
    calls = pd.concat([calls for calls, _ in judged], ignore_index=True)
    given = pd.concat([given for _, given in judged], ignore_index=True)
    calls["named"] = calls["verdict"].isin(("helps", "hurts"))
    rows = []
    for (grid, kind), part in calls.groupby(["grid", "kind"], sort=False):
        named = part[part["named"]]
        share = [f"{(part['verdict'] == v).mean():.2f}" for v in ("helps", "hurts", "undecided")]
        rows.append([grid, kind, len(part), f"{part['elsewhere'].mean():+.4f}", *share,
                     len(named), named["false"].sum(), named["unconfirmed"].sum()])  # fmt: skip
    header = ["grid", "source and target", "pairs judged", "effect on AUROC", "helps", "hurts",
              "undecided", "verdicts", "false", "not confirmed"]  # fmt: skip
    n_studies = N_STUDIES * len(DATA_SEEDS)
    title = f"statTAG on trained models, {n_studies} studies of {n_repeats // N_STUDIES} repeats"
    notes = [
        f"{what}: {_false_share(calls[calls['grid'] == grid], column)}."
        for what, grid, column in (
            ("False verdicts", "real", "false"),
            ("Verdicts not confirmed", "real", "unconfirmed"),
            ("Verdicts on placebos", "half placebo", "placebo"),
        )
    ]
    return "\n\n".join([markdown(title, header, rows), *notes, _harm(calls), _found(given)])


def _harm(calls: pd.DataFrame) -> str:
    """The planted harm itself, over all repeats: each is elsewhere for all studies but its own."""
    planted = calls[(calls["grid"] == "real") & (calls["kind"] == "harmful task on another")]
    by_target = planted.groupby(["data", "target"])["elsewhere"].mean()
    found = paired_interval(by_target.groupby("data").mean().to_numpy())
    return (
        f"The harmful task's effect on the mean useful task: {found.estimate:+.4f} "
        f"({found.low:+.4f}, {found.high:+.4f}), over data sets; below 0 for "
        f"{(by_target < 0).sum()} of {len(by_target)} useful tasks."
    )


def _found(given: pd.DataFrame) -> str:
    """How often the planted task is called harmful, and how often another one."""
    hurts = given["verdict"] == "hurts"
    planted = hurts[given["harmful"]]
    another = given[hurts & ~given["harmful"]]
    found = binomtest(int(planted.sum()), len(planted)).proportion_ci(method="exact")
    return (
        f"Over all targets at once, the harmful task is called harmful in {planted.sum()} of "
        f"{len(planted)} studies ({found.low:.2f}, {found.high:.2f}), another task in "
        f"{len(another)} of {(~given['harmful']).sum()} cases, {another['unconfirmed'].sum()} of "
        f"them not confirmed."
    )


def _false_share(calls: pd.DataFrame, column: str) -> str:
    """Share of a study's verdicts that are false, the mean over studies; 0 where there is none."""
    named = calls["named"]
    by_study = [calls["data"], calls["study"]]
    n_false = (calls[column] & named).groupby(by_study).sum()
    n_named = named.groupby(by_study).sum()
    found = paired_interval((n_false / n_named.clip(lower=1)).to_numpy())
    return (
        f"{n_false.sum()} of {n_named.sum()}; false discovery rate "
        f"{found.estimate:.3f} ({found.low:.3f}, {found.high:.3f})"
    )


def made_bench(settings: Settings, seed: int) -> tuple[Bench, pd.DataFrame]:
    """Made data of this seed to train on, and the truth with one row a task, in its order."""
    made = make_synthetic(settings.fetch.model_copy(update={"seed": seed}))
    assert made.truth is not None
    bench = Bench(settings, prepare(made, settings.prepare, [(0,)]).table)
    return bench, made.truth.set_index("task").loc[list(bench.table.tasks)]


def _judged(settings: Settings, seed: int, n_repeats: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The calls of one data set: one row a study and pair, and one row a study and giver."""
    bench, truth = made_bench(settings, seed)
    off = ~np.eye(len(truth), dtype=bool)
    is_placebo = np.zeros((len(truth), 1), dtype=bool)
    is_placebo[:-1:2] = True  # the harmful task comes last
    kinds = _kinds_of_pairs(truth)
    base, more, placebo = _grid(bench, n_repeats, np.flatnonzero(is_placebo))
    calls, given = [], []
    for study in range(N_STUDIES):
        mine = np.arange(n_repeats) % N_STUDIES == study
        rest = paired_interval((more - base[:, :, None])[~mine, 0])
        for grid, scores, null in (("real", more, ~off), ("half placebo", placebo, is_placebo)):
            verdict = pairwise_effects(base[mine], scores[mine]).verdict
            sign = (verdict == "helps") * 1.0 - (verdict == "hurts")
            columns = {
                "target": np.broadcast_to(np.arange(len(truth)), off.shape),
                "kind": np.where(null, "placebo", kinds), "verdict": verdict,
                "elsewhere": np.where(null, 0.0, rest.estimate),
                "placebo": np.broadcast_to(null, off.shape),
                "false": null | (sign * rest.estimate < 0),
                "unconfirmed": null | (np.where(sign > 0, rest.low, -rest.high) <= 0),
            }  # fmt: skip
            by_pair = {name: values[off] for name, values in columns.items()}
            calls.append(pd.DataFrame({"data": seed, "study": study, "grid": grid, **by_pair}))
        given.append(pd.DataFrame({
            "verdict": domain_effects(base[mine], more[mine])[0].verdict,
            "unconfirmed": domain_effects(base[~mine], more[~mine])[0].high >= 0,
            "harmful": truth["harmful"].to_numpy(),
        }))  # fmt: skip
    return pd.concat(calls), pd.concat(given)


def _grid(
    bench: Bench, n_repeats: int, placebos: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Validation AUROC of the statTAG grid's first level: baseline (R, 1, K), augmented
    (R, 1, K, K), and the same with placebos for some auxiliaries."""
    plan, n_tasks = bench.settings.plan, bench.table.n_tasks
    turns = bench.turns(plan.train_folds, n_repeats, seed=FIRST_SEED)
    fits = augmentations(n_tasks, plan.augmentations.levels[:1], turns)
    again = [
        replace(fit, seed=fit.seed + 1000 * (1 + int(task)))
        for fit in fits[:: n_tasks + 1]
        for task in placebos
    ]
    scores = bench.scores([*fits, *again])[0][..., AUROC]
    grid = scores[: len(fits)].reshape(n_repeats, 1, n_tasks + 1, n_tasks)
    base, more = grid[:, :, 0], grid[:, :, 1:]
    mixed = more.copy()
    mixed[:, :, placebos] = scores[len(fits) :].reshape(n_repeats, 1, len(placebos), n_tasks)
    return base, more, mixed


def _kinds_of_pairs(truth: pd.DataFrame) -> np.ndarray:
    """How source and target stand by what was planted, [auxiliary, target]."""
    harmful = truth["harmful"].to_numpy()
    cluster = truth["cluster"].to_numpy(dtype=float)  # NaN is in no cluster
    kinds = np.where(cluster[:, None] == cluster, "same cluster", "other cluster").astype(object)
    kinds[harmful[:, None] & ~harmful] = "harmful task on another"
    kinds[~harmful[:, None] & harmful] = "another on the harmful task"
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--repeats", type=int, default=240, help="of each data set")
    arguments = parser.parse_args()
    print(verdicts(Study(arguments.folder).settings, arguments.repeats))


if __name__ == "__main__":
    main()
