"""Verdicts over clusters of tasks, on KIBA244's stored fits, held against other folds.

    git show 3f1873a:studies/kiba244/fits.parquet > fits.parquet
    python benchmarks/clusters.py fits.parquet [--scores scores.csv.gz]

Clusters are kinase families by name, random ones of the same sizes and, with the study's raw scores
(columns chembl_id, uniprot, kiba), those of `task_clusters` at several correlations. A verdict is
confirmed if the effect has the same sign in the two repeats that train and score on folds of their
own (studies/kiba244/other_folds.py of that commit; a network of 128 units).
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.analysis import task_clusters
from cotrain.curves import cluster_effects
from curves_study import markdown

STUDY = Path(__file__).parents[1] / "studies" / "kiba244"
CORRELATIONS = (0.4, 0.5, 0.6, 0.7)
Grid = tuple[np.ndarray, np.ndarray]


def grid(fits: pd.DataFrame, plan: str, tasks: list[str], score: str) -> Grid:
    """Scores without and with one fold more, (R, L, K) and (R, L, K, K)."""
    together = (fits["plan"] == "subsets") & (fits["kind"] == "together")
    rows = fits[(fits["plan"] == plan) | ((plan == "augmentations") & together)]
    rows = rows[rows["level"] <= 3]
    place = {name: at for at, name in enumerate(tasks)}
    repeat, level = (pd.factorize(rows[name], sort=True)[0] for name in ("repeat", "level"))
    task = rows["task"].map(place).to_numpy()
    values = rows[f"val_{score}"].to_numpy(float) * (-1 if score == "log_loss" else 1)
    base = np.full((repeat.max() + 1, level.max() + 1, len(tasks)), np.nan)
    more = np.full((*base.shape, len(tasks)), np.nan)
    plain = rows["kind"].isin(["level", "together"]).to_numpy()
    base[repeat[plain], level[plain], task[plain]] = values[plain]
    other = (rows["kind"] == "augmentation").to_numpy()
    auxiliary = rows["auxiliary"].map(place).to_numpy()[other].astype(int)
    more[repeat[other], level[other], auxiliary, task[other]] = values[other]
    return base, more


def judged(name: str, clusters: list[list[int]], score: str, seen: Grid, fresh: Grid) -> list:
    """A row of the table."""
    found, again = cluster_effects(*seen, clusters), cluster_effects(*fresh, clusters)
    decided = np.isin(found.verdict, ("helps", "hurts"))
    same = np.sign(found.effect) == np.sign(again.effect)
    share = f"{same[decided].sum()} of {decided.sum()}" if decided.any() else "none to confirm"
    after = f"{again.effect[decided].mean():+.4f}" if decided.any() else ""
    return [
        name, score.replace("_", " "), len(clusters), max(map(len, clusters)), decided.sum(),
        (found.verdict == "helps").sum(), share, f"{same[~decided].mean():.2f}", after,
    ]  # fmt: skip


def families(tasks: list[str]) -> list[list[int]]:
    names = pd.read_csv(STUDY / "families.csv").set_index("uniprot")["family"].reindex(tasks)
    places = pd.Series(range(len(tasks))).groupby(names.to_numpy()).apply(list)
    return [members for members in places if len(members) > 1]


def labels(path: Path, tasks: list[str]) -> csr_array:
    """The study's labels, active or not, one row a compound."""
    raw = pd.read_csv(path)
    raw = raw[raw["uniprot"].isin(tasks)]
    column = raw["uniprot"].map({name: at for at, name in enumerate(tasks)}).to_numpy()
    row = pd.factorize(raw["chembl_id"])[0]
    # Scores, not classes: how active a compound is tells more of kinship.
    return csr_array((raw["kiba"].to_numpy(np.float32), (row, column)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scores", type=Path, help="raw KIBA scores, for clusters by labels")
    parser.add_argument("fits", type=Path, help="the fit table of KIBA244")
    options = parser.parse_args()
    path, fits = options.scores, pd.read_parquet(options.fits)
    tasks = sorted(fits["task"].unique())
    kin, order = families(tasks), np.random.default_rng(0).permutation(len(tasks))
    clusters = {
        "kinase families": kin,
        "random, of the same sizes": [[int(order[task]) for task in members] for members in kin],
    }
    if path is not None:
        known = labels(path, tasks)
        every = np.ones(known.shape[0], dtype=bool)
        for least in CORRELATIONS:
            clusters[f"labels' correlation {least}"] = task_clusters(known, every, least)
    rows = []
    for score in ("auroc", "log_loss"):
        seen, fresh = (grid(fits, plan, tasks, score) for plan in ("augmentations", "other_folds"))
        rows += [judged(name, found, score, seen, fresh) for name, found in clusters.items()]
    header = ["clusters", "score", "how many", "largest", "decided", "helps", "confirmed",
              "same sign among the others", "effect on other folds"]  # fmt: skip
    print(markdown("Clusters of KIBA244's targets", header, rows))


if __name__ == "__main__":
    main()
