"""Task tables to time engines on: of real files, or made in their shape."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.tasks import TaskTable

N_BITS, N_FOLDS = 2048, 10


def made(n_examples: int, n_tasks: int, n_labels: int, seed: int = 0) -> TaskTable:
    """A table of ligand data's shape: about 52 of 2,048 bits a row, some of them very common."""
    rng = np.random.default_rng(seed)
    share = np.minimum(0.6, rng.pareto(1.2, N_BITS) + 0.2)
    for _ in range(20):
        share = np.minimum(0.6, share * 52 / share.sum())
    parts = [rng.random((rows.size, N_BITS)) < share for rows in _chunks(n_examples)]
    features = csr_array(np.vstack(parts).astype(np.float32))
    direction = rng.normal(size=(N_BITS, 12)) @ rng.normal(size=(12, n_tasks))
    score = features @ direction.astype(np.float32)
    threshold = np.quantile(score, 0.66, axis=0)
    # Labels per row and per task are as uneven as in screening data.
    row = np.minimum((rng.beta(0.6, 1.2, 3 * n_labels) * n_examples).astype(int), n_examples - 1)
    task = np.minimum((rng.beta(0.7, 1.6, 3 * n_labels) * n_tasks).astype(int), n_tasks - 1)
    every = rng.integers(0, n_tasks, n_examples)
    cells = np.concatenate([np.arange(n_examples) * n_tasks + every, row * n_tasks + task])
    _, first = np.unique(cells, return_index=True)
    cells = np.sort(cells[np.sort(first)[:n_labels]])
    row, task = np.divmod(cells, n_tasks)
    noise = rng.normal(size=cells.size) * score.std() * 0.5
    label = score[row, task] + noise > threshold[task]
    return _table(features, row, task, label, [f"task{i}" for i in range(n_tasks)], rng)


def kiba244(folder: Path) -> TaskTable:
    """KIBA244: targets chosen on the full matrix, then compounds without a structure dropped."""
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator

    targets = pd.read_csv(folder / "kiba244_targets.csv")["uniprot"].tolist()
    compounds = pd.read_csv(folder / "compounds.csv.gz")
    scores = pd.read_csv(folder / "scores.csv.gz")
    chosen = scores["uniprot"].isin(targets) & scores["chembl_id"].isin(compounds["chembl_id"])
    scores = scores[chosen]
    compounds = compounds[compounds["chembl_id"].isin(scores["chembl_id"])]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=N_BITS)
    rows = [
        generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(smiles)).astype(np.float32)
        for smiles in compounds["smiles"]
    ]
    row = pd.Index(compounds["chembl_id"]).get_indexer(scores["chembl_id"])
    task = pd.Index(targets).get_indexer(scores["uniprot"])
    label = scores["kiba"].to_numpy() <= 3.0
    rng = np.random.default_rng(0)
    return _table(csr_array(np.vstack(rows)), row, task, label, targets, rng)


def _chunks(n_examples: int) -> list[np.ndarray]:
    return np.array_split(np.arange(n_examples), max(1, n_examples // 4096))


def _table(
    features: csr_array,
    row: np.ndarray,
    task: np.ndarray,
    label: np.ndarray,
    tasks: list[str],
    rng: np.random.Generator,
) -> TaskTable:
    n_examples = features.shape[0]
    order = np.lexsort((task, row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_examples))])
    labels = (label[order].astype(np.float32), task[order].astype(np.int32), start)
    return TaskTable(
        features=features,
        labels=csr_array(labels, shape=(n_examples, len(tasks))),
        folds=rng.integers(0, N_FOLDS, n_examples),
        tasks=tuple(tasks),
        kinds=("binary",) * len(tasks),
        examples=tuple(map(str, range(n_examples))),
        n_folds=N_FOLDS,
    )
