"""Learning curves of classes: does EXP3 fit, which form foretells, what others' labels do.

`PYTHONPATH=../benchmarks python curves.py STUDY` of a study that `cotrain train` ran; the questions
of arXiv 2512.24866, on test AUROC.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.curves import EXP31, EXP32, fit_curves
from cotrain.training import load_fit_table
from lab.curve_shapes import get_form, standard_errors

FORMS = ("exp3.1", "exp4", "power", "ilog2")
DRAWS = 2000


def points(fits: pd.DataFrame, kind: str) -> dict[str, np.ndarray]:
    """Labels of one's own and of all others, mean scores over repeats, (K, n_levels)."""
    # Before an augmentation all together are called a level.
    own = fits[fits["kind"].replace("level", "together") == kind].copy()
    own["others"] = own.groupby("fit_id")["n_labels"].transform("sum") - own["n_labels"]
    names = {"own": "n_labels", "others": "others", "score": "test_auroc"}
    return {
        name: own.pivot_table(index="task", columns="level", values=column).to_numpy(dtype=float)
        for name, column in names.items()
    }


def interval(values: np.ndarray, statistic=np.median) -> str:
    """A statistic over tasks, with its 95 % interval by the bootstrap over tasks."""
    known = values[np.isfinite(values)]
    rows = np.random.default_rng(0).integers(0, known.size, (DRAWS, known.size))
    low, high = np.quantile(statistic(known[rows], axis=1), [0.025, 0.975])
    return f"{statistic(known):.4f} ({low:.4f} to {high:.4f})"


def main(study: Path) -> None:
    tables = [
        load_fit_table(study / "data" / "fits" / f"{name}.parquet")
        for name in ("subsets", "augmentations")
    ]
    fits = pd.concat(tables, ignore_index=True)
    seen = {kind: points(fits, kind) for kind in ("single", "together")}
    for kind, found in seen.items():
        by_level = np.median(found["score"], axis=0).round(3)
        print(f"\n{kind}: median test AUROC by training folds {by_level.tolist()}")
        own, score, top = found["own"][..., None], found["score"], found["score"][:, -1]
        errors = {}
        for form in FORMS:
            curve = fit_curves(own[:, :-1], score[:, :-1], get_form(form))
            errors[form] = np.abs(curve.predict(own[:, -1:])[:, 0] - top)
        errors["last value"] = np.abs(score[:, -2] - top)
        least = pd.DataFrame(errors).idxmin(axis=1).value_counts()
        for form, error in errors.items():
            print(f"  {form}: error {interval(error)}, least for {least.get(form, 0)}")
        curve = fit_curves(own, score, EXP31)
        miss = np.abs(curve.predict(own) - score).mean(axis=1)
        at_bound = int(curve.at_bound["c"].sum())
        print(f"  exp3.1 of all levels misses by {interval(miss)}; asymptote at 1 for {at_bound}")
    rises = seen["together"]["score"][:, -1] - seen["single"]["score"][:, -1]
    print(f"\ngain of together at the highest level: {interval(rises, np.mean)}")
    both = {name: np.hstack([found[name] for found in seen.values()]) for name in found}
    counts = np.stack([both["own"], both["others"]], axis=2)
    curve = fit_curves(counts, both["score"], EXP32)
    a, others = curve.parameters["a_own"], curve.parameters["a_others"]
    z = others / standard_errors(curve, counts, both["score"])["a_others"]
    print(
        f"exp3.2: labels of others help {int((others > 0).sum())} of {others.size} tasks, clearly "
        f"{int((z > 1.96).sum())}, clearly hurt {int((z < -1.96).sum())}; labels of others that "
        f"one's own is worth: {interval((a / others)[others > 0])}"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python curves.py STUDY, of a study that `cotrain train` ran")
    main(Path(sys.argv[1]))
