"""The tables of results/ from a finished run: `python summarise.py`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.files import write_csv

HERE = Path(__file__).parent
DATA, RESULTS = HERE / "data", HERE / "results"
WAYS = ("single-task", "all together", "recommended")


def by_target() -> pd.DataFrame:
    """Test AUROC of each target alone, all together and as recommended, with its labels."""
    tasks = pd.read_csv(DATA / "validation" / "tasks.csv")
    tasks = tasks[(tasks["score"] == "auroc") & (tasks["calibration"] == "raw")]
    wide = tasks.pivot_table(index="task", columns="grouping", values="mean")[list(WAYS)]
    counts = pd.read_csv(DATA / "prepared" / "tasks.csv").set_index("task")["n_labels"]
    return wide.join(counts).dropna().reset_index()


def by_size(targets: pd.DataFrame) -> pd.DataFrame:
    """What company gains by quarters of the number of labels, 95 % over targets drawn anew."""
    gain = (targets["all together"] - targets["single-task"]).to_numpy()
    quarter, rows = pd.qcut(targets["n_labels"], 4, labels=False).to_numpy(), []
    for one in (*range(4), None):
        at = np.ones(len(gain), bool) if one is None else quarter == one
        rows.append({
            "labels": "all" if one is None else
            f"{targets['n_labels'][at].min():,} to {targets['n_labels'][at].max():,}",
            **{way: targets.loc[at, way].mean() for way in WAYS},
            **_interval(gain[at], "gain"),
            "better": float((gain[at] > 0).mean()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def decided() -> pd.DataFrame:
    """How many pairs, clusters and families each measure decides."""
    names = {
        "pairs by subsets": "relevance",
        **{
            f"{what} by statTAG, {score.replace('_', ' ')}": f"{file}_{score}"
            for what, file in (
                ("pairs", "stattag"), ("clusters of labels", "clusters"), ("families", "families")
            )
            for score in ("auroc", "log_loss")
        },
    }  # fmt: skip
    rows = []
    for name, file in names.items():
        table = pd.read_csv(DATA / "analysis" / f"{file}.csv")
        counts = table["verdict"].value_counts()
        verdicts = {key: int(counts.get(key, 0)) for key in ("helps", "hurts", "undecided")}
        withheld = int(table["withheld"].notna().sum()) if "withheld" in table else 0
        rows.append({"asked": name, **verdicts, "withheld": withheld})
    return pd.DataFrame(rows)


def family() -> pd.DataFrame:
    """How well each measure tells sources of a target's own kinase family from others (AUROC)."""
    families = pd.read_csv(HERE / "families.csv").set_index("uniprot")["family"]
    rows = []
    for name, file, value, source in (
        ("statTAG, auroc", "stattag_auroc", "effect", "auxiliary"),
        ("statTAG, log loss", "stattag_log_loss", "effect", "auxiliary"),
        ("gradient affinity", "affinity", "affinity", "source"),
        ("gradient cosine", "affinity", "cosine", "source"),
        ("subsets", "relevance", "relevance", "source"),
    ):
        pairs = pd.read_csv(DATA / "analysis" / f"{file}.csv").dropna(subset=[value])
        kin = pairs["target"].map(families)
        pairs["same"] = kin.notna() & (kin == pairs[source].map(families))
        areas = [_area(one[value], one["same"]) for _, one in pairs.groupby("target")]
        rows.append({"measure": name, **_interval(np.array([a for a in areas if a == a]), "area")})
    return pd.DataFrame(rows)


def _area(values: pd.Series, same: pd.Series) -> float:
    inside, outside = values[same].to_numpy(), values[~same].to_numpy()
    if not len(inside) or not len(outside):
        return float("nan")
    more, equal = inside[:, None] > outside, inside[:, None] == outside
    return float((more + 0.5 * equal).mean())


def _interval(values: np.ndarray, name: str) -> dict[str, float]:
    drawn = np.random.default_rng(0).integers(len(values), size=(2000, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return {name: values.mean(), "low": low, "high": high}


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    targets = by_target()
    found = {
        "targets": targets, "sizes": by_size(targets), "decided": decided(), "family": family()
    }  # fmt: skip
    for name in ("comparison", "portfolios"):
        found[name] = pd.read_csv(DATA / "validation" / f"{name}.csv")
    for score in ("auroc", "log_loss"):
        found[f"families_{score}"] = pd.read_csv(DATA / "analysis" / f"families_{score}.csv")
    for name, table in found.items():
        write_csv(RESULTS / f"{name}.csv", table.round(5))
    summary = json.loads((DATA / "analysis" / "summary.json").read_text(encoding="utf-8"))
    weights = json.loads((DATA / "validation" / "portfolio.json").read_text(encoding="utf-8"))
    groups = json.loads((DATA / "grouping" / "grouping.json").read_text(encoding="utf-8"))
    summary |= {
        "recommended": weights["name"],
        "n_learnt": int(pd.read_csv(DATA / "validation" / "skill.csv")["skilled"].sum()),
        "n_models": len(weights["models"]),
        "groups": [len(group) for group in groups["groups"]],
        "affinity_groups": [len(group) for group in groups["rivals"]["affinity"][0]],
    }
    (RESULTS / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
