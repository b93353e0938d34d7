"""Surrogates on gains that others measured.

    python benchmarks/measured_tables.py FOLDER

FOLDER holds tables as those of MTG-Net (Song et al., NeurIPS 2022; the folder
`gain_collection/collected_gain` of its repository): `NAME_x.csv` has a row of 0 and 1 a subset of
tasks, and beside it a file of as many rows has their gains over training alone, 0 for tasks that
are no members. A file with HOA in its name holds gains as others estimate them, a rival. Subsets
are learnt from three quarters and judged on the last, ten times; a mean over splits and tasks.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.means import mean_known
from cotrain.surrogates import (
    DesignWarning,
    best_threshold,
    choose_surrogate,
    classify,
    fit_surrogates,
    spearman_by_target,
)
from lab.rivals import default_surrogates
from surrogates import markdown

N_SPLITS = 10


def read(path: Path) -> np.ndarray:
    """Numbers of a file, separated by commas or spaces."""
    return pd.read_csv(path, sep=r"[,\s]+", header=None, engine="python").to_numpy(dtype=float)


def tables(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """Subsets of several tasks, their gains (NaN where not scored) and estimates, by name."""
    found = {}
    for path in sorted(folder.rglob("*_x.csv")):
        X = read(path)
        several = X.sum(axis=1) > 1
        beside = {one.stem: read(one) for one in sorted(path.parent.glob("*.csv")) if one != path}
        gains = {
            name: np.where(X > 0, values, np.nan)[several]
            for name, values in beside.items()
            if values.shape == X.shape
        }
        said = {name: values for name, values in gains.items() if "HOA" in name}
        found |= {n: (X[several], values, said) for n, values in gains.items() if n not in said}
    return found


def judged(
    X: np.ndarray, gains: np.ndarray, said: dict[str, np.ndarray], seed: int
) -> pd.DataFrame:
    """Figures of each predictor on a quarter of the subsets; thresholds are of the others."""
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = np.split(order, [3 * len(X) // 4])
    predicted = dict(said)
    for name, surrogate in default_surrogates().items():
        predicted[name] = fit_surrogates(X[train], gains[train], surrogate).predict(X)
    rows = {}
    for name, values in predicted.items():
        known = ~np.isnan(values) & ~np.isnan(gains)
        learnt, held = (known & np.isin(np.arange(len(X)), part)[:, None] for part in (train, test))
        threshold = best_threshold(gains[learnt] < 0, -values[learnt])
        figures = classify(gains[held] < 0, -values[held] >= threshold, -values[held])
        rows[name] = {
            "Spearman": float(mean_known(spearman_by_target(values[test], gains[test]))),
            "F1": figures.f1,
            "balanced accuracy": figures.balanced_accuracy,
        }
    always = classify(gains[held] < 0, held[held], held[held].astype(float))
    rows["always"] = {"F1": always.f1, "balanced accuracy": always.balanced_accuracy}
    harmful = np.where(np.isnan(gains), np.nan, gains < 0)
    usual = np.nanmean(harmful[train], axis=0) > 0.5
    majority = np.broadcast_to(usual, gains.shape)[held]
    figures = classify(gains[held] < 0, majority, majority.astype(float))
    rows["majority"] = {"F1": figures.f1, "balanced accuracy": figures.balanced_accuracy}
    return pd.DataFrame(rows).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    found = tables(options.folder)
    if not found:
        raise SystemExit(f"{options.folder} holds no NAME_x.csv with gains of its shape beside it")
    warnings.simplefilter("ignore", DesignWarning)
    for name, (X, gains, said) in found.items():
        chosen = choose_surrogate(X, gains, default_surrogates()).name
        splits = pd.concat([judged(X, gains, said, seed) for seed in range(N_SPLITS)])
        mean = splits.groupby(level=0, sort=False).mean()
        harmful = np.nanmean(np.where(np.isnan(gains), np.nan, gains < 0))
        what = f"{X.shape[1]} tasks, {len(X)} subsets, {harmful:.0%} of gains below 0"
        print(f"## {name}: {what}; cross-validation chooses {chosen}\n")
        print(f"{markdown(mean.reset_index(names='predictor'))}\n")


if __name__ == "__main__":
    main()
