"""How good each learner's defaults are on single tasks, beside scikit-learn's own defaults.

    python benchmarks/learners.py DATA [--sets expansionrx,yeast] [--wheel MoleculeACE.whl]
                                  [--tasks 5] [--learners forest,linear]

DATA is a folder with the public sets below, each in a folder of its name as its authors give it;
the wheel is what `cotrain fetch` downloads. Prints a row a set and learner: means over tasks of
AUROC and log loss, or of R² and relative absolute error, and the processor's seconds. One process.
Up to `--tasks` tasks a set, evenly spaced; train 60 % (by scaffold, time or at random), test 30 %.
"""

import argparse
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from rdkit.Chem import Descriptors, MolFromSmiles
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array, hstack
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from cotrain.allocation import Allocation, Fit, FoldUse
from cotrain.registry import LEARNERS
from cotrain.scores import SCORES
from cotrain.settings import Section
from cotrain.tasks import Features, TaskTable
from cotrain.training import FitResult, Learner, make_learner
from cotrain.training.learners import EstimatorLearner

SHARES = (0.6, 0.1, 0.3)
PLAIN = {
    "forest": (RandomForestClassifier, RandomForestRegressor),
    "boosting": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
    "linear": (LogisticRegression, Ridge),
}
Set = tuple[Features, np.ndarray, np.ndarray]


class PlainSettings(Section):
    kind: Literal["plain"] = "plain"
    name: str


class Plain(EstimatorLearner):
    """scikit-learn's defaults."""

    Settings = PlainSettings

    def estimator(self, is_binary: bool, seed: int) -> object:
        kind = PLAIN[self.settings.name][0 if is_binary else 1]
        more = {} if self.settings.name == "linear" else {"random_state": seed}
        return kind(**more, **({"max_iter": 1000} if kind is LogisticRegression else {}))


def counts(smiles: pd.Series, bits: int = 2048) -> csr_array:
    generator = GetMorganGenerator(radius=2, fpSize=bits)
    found = [generator.GetCountFingerprint(MolFromSmiles(s)).GetNonzeroElements() for s in smiles]
    start = np.cumsum([0, *map(len, found)])
    index = np.concatenate([np.array(sorted(row), dtype=np.int32) for row in found])
    value = np.concatenate([[row[k] for k in sorted(row)] for row in found]).astype(np.float32)
    return csr_array((value, index, start), shape=(len(found), bits))


def bits(smiles: pd.Series) -> csr_array:
    found = counts(smiles)
    found.data[:] = 1
    return found


def with_descriptors(smiles: pd.Series, train: np.ndarray) -> csr_array:
    """Counts and RDKit's descriptors, scaled by the training rows without their outer percents."""
    molecules = [MolFromSmiles(s) for s in smiles]
    x = np.array([[f(m) for _, f in Descriptors._descList] for m in molecules], dtype=float)
    x[~np.isfinite(x)] = 0
    x = np.clip(x, *np.percentile(x[train], [1, 99], axis=0))
    spread = x[train].std(axis=0)
    x = ((x - x[train].mean(axis=0)) / np.where(spread > 0, spread, 1))[:, spread > 0]
    return csr_array(hstack([counts(smiles), csr_array(x.astype(np.float32))]).tocsr())


def scattered(n: int) -> np.ndarray:
    return np.digitize(np.random.default_rng(0).random(n), np.cumsum(SHARES)[:-1])


def by_scaffold(smiles: pd.Series) -> np.ndarray:
    names = [MurckoScaffoldSmiles(s) or f"none {place}" for place, s in enumerate(smiles)]
    kinds, kind = np.unique(names, return_inverse=True)
    return scattered(kinds.size)[kind]


def read(path: Path, smiles: str | None = None) -> pd.DataFrame:
    frame = pd.read_csv(path)
    if smiles is None:
        return frame
    with BlockLogs():
        return frame[[MolFromSmiles(s) is not None for s in frame[smiles]]].reset_index(drop=True)


def expansionrx(data: Path) -> Set:
    frame = read(data / "measurements.csv.gz", "SMILES")
    order = frame["Molecule Name"].str.extract(r"(\d+)")[0].astype(int).argsort(kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    skip = ("Molecule Name", "SMILES", "INCHIKEY")
    ends = [name for name in frame if name not in skip and "modifier" not in name]
    y = np.column_stack([frame[e] if e == "LogD" else np.log10(frame[e] + 1) for e in ends])
    fold = np.digitize(np.arange(len(frame)) / len(frame), [0.7, 0.8])
    return with_descriptors(frame["SMILES"], fold == 0), y, fold


def biogen_adme(data: Path) -> Set:
    frame = read(data / "biogen_adme.csv.gz", "smiles")
    fold = by_scaffold(frame["smiles"])
    return with_descriptors(frame["smiles"], fold == 0), frame.filter(like="log_").to_numpy(), fold


def cyp450(data: Path) -> Set:
    frame = read(data / "cyp450.csv.gz", "smiles").sample(6000, random_state=0)
    return (
        bits(frame["smiles"]),
        frame.filter(like="CYP").to_numpy(float),
        by_scaffold(frame["smiles"]),
    )


def chembl_time(data: Path) -> Set:
    frame = read(data / "chembl_time.csv.gz", "smiles")
    fold = frame["split"].map({"train": 0, "valid": 1, "test": 2}).to_numpy()
    y = frame.drop(columns=["smiles", "split"]).to_numpy(float)
    known = [(~np.isnan(y[fold == f])).sum(axis=0) for f in range(3)]
    y = y[:, (known[0] >= 60) & (known[2] >= 30)][:, :40]
    some = ~np.isnan(y).all(axis=1)
    return counts(frame["smiles"][some]), y[some], fold[some]


def moleculeace(wheel: Path) -> Set:
    with zipfile.ZipFile(wheel) as file:
        names = sorted(n for n in file.namelist() if Path(n).parent.name == "benchmark_data")
        parts = {Path(n).stem: pd.read_csv(file.open(n)) for n in names if n.endswith(".csv")}
    long = pd.concat(parts, names=["task"]).reset_index("task")
    wide = long.pivot_table(index="smiles", columns="task", values="exp_mean [nM]")
    y = np.where(wide.isna(), np.nan, wide <= 100)
    smiles = wide.index.to_series()
    return bits(smiles), y, by_scaffold(smiles)


def mtl_landmine(data: Path) -> Set:
    frame = read(data / "landmine.csv.gz")
    y = np.full((len(frame), 29), np.nan)
    y[np.arange(len(frame)), frame["field"]] = frame["mine"]
    x = frame.filter(regex=r"^f\d").to_numpy(np.float32)
    return x, y, scattered(len(frame))


def ml_yeast(data: Path) -> Set:
    frame = read(data / "yeast.csv.gz")
    y = frame.filter(like="label_")
    x = frame.drop(columns=[*y.columns, "split"]).to_numpy(np.float32)
    return x, y.to_numpy(float), np.where(frame["split"] == "test", 2, 0)


def columns(target: str) -> Callable[[Path], Set]:
    def read_columns(data: Path) -> Set:
        frame = read(next(data.glob("*.csv.gz")))
        y = frame.filter(like=target)
        x = frame.drop(columns=y.columns).fillna(0).to_numpy(np.float32)
        return x, y.to_numpy(float), scattered(len(frame))

    return read_columns


SETS: dict[str, Callable[[Path], Set]] = {
    "moleculeace": moleculeace,
    "expansionrx": expansionrx,
    "biogen-adme": biogen_adme,
    "cyp450": cyp450,
    "chembl-time": chembl_time,
    "mtl-landmine": mtl_landmine,
    "ml-yeast": ml_yeast,
    "mt-wq": columns("target_"),
    "mt-sarcos": columns("torque_"),
}


def table_of(found: Set, most: int) -> TaskTable:
    features, y, fold = found
    y = y[:, np.unique(np.linspace(0, y.shape[1] - 1, most).round().astype(int))]
    keep = np.flatnonzero(~np.isnan(y).all(axis=1))
    features, y, fold = features[keep], y[keep], fold[keep]
    row, task = np.nonzero(~np.isnan(y))
    start = np.concatenate([[0], np.cumsum((~np.isnan(y)).sum(axis=1))])
    is_binary = np.isin(y[row, task], (0, 1)).all()
    return TaskTable(
        features=features,
        labels=csr_array((y[row, task].astype(np.float32), task.astype(np.int32), start), y.shape),
        folds=fold.astype(np.int64),
        tasks=tuple(map(str, range(y.shape[1]))),
        kinds=("binary" if is_binary else "real",) * y.shape[1],
        examples=tuple(map(str, range(len(y)))),
        n_folds=3,
    )


def measure(learner: Learner, table: TaskTable) -> str:
    cells = frozenset((task, 0) for task in range(table.n_tasks))
    folds = FoldUse((0,), (1,), (2,))
    fit = Fit(Allocation(table.n_tasks, 3, cells), folds, 0, "together", 0, 1)
    start = time.process_time()
    outcome = learner.evaluate(table, [fit])[0]
    seconds = time.process_time() - start
    assert isinstance(outcome, FitResult), outcome
    shown = ("auroc", "log_loss") if table.kinds[0] == "binary" else ("r2", "rae")
    means = [np.nanmean(outcome.test[:, list(SCORES).index(score)]) for score in shown]
    figures = (f"{score} {mean:.3f}" for score, mean in zip(shown, means, strict=True))
    return "  ".join(figures) + f"  {seconds:6.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--learners", default="linear,kernel,boosting,forest,network")
    parser.add_argument("--tasks", type=int, default=5)
    options = parser.parse_args()
    for name in options.sets.split(","):
        path = options.wheel if name == "moleculeace" else options.data / name
        if path is None:
            continue
        table = table_of(SETS[name](path), options.tasks)
        for kind in options.learners.split(","):
            ours = make_learner(LEARNERS.find(kind).Settings.model_validate({"kind": kind}))
            compared = {kind: ours}
            if kind in PLAIN:
                compared[f"{kind}, scikit-learn's"] = Plain(PlainSettings(name=kind))
            for label, learner in compared.items():
                print(f"{name:13} {label:24} {measure(learner, table)}", flush=True)


if __name__ == "__main__":
    main()
