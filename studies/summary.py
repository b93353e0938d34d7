"""A row for each of several finished studies, as Markdown: `python summary.py OUT.csv STUDY ...`.

What was recommended, and what it gains on test labels over what one would use instead: AUROC, or R²
of real values. Intervals are Student's at 95 %, over repeats. The CSV has a row a study and rival;
studies that it has and that are not named stay as they are.
"""

import sys
from pathlib import Path

import pandas as pd
from rivals import _line

from cotrain.study import Study
from cotrain.tasks import TaskTable

RIVALS = (
    "base rate", "linear", "forest", "kernel", "boosting", "pooled", "pooled linear", "single-task",
    "all together",
)  # fmt: skip
COLUMNS = ("mean", "difference", "low", "high", "p_value")


def rows(folder: Path) -> pd.DataFrame:
    """The rivals of one study, with its size and what is recommended."""
    study = Study(folder)
    table = TaskTable.load(study.table)
    score = study.settings.analyze.curve_score
    found = pd.read_csv(study.validation / "comparison.csv")
    found = found[(found["score"] == score) & (found["calibration"] == "raw")]
    found = found.set_index("grouping")
    portfolios = pd.read_csv(study.validation / "portfolios.csv")
    names = ["recommended", *(name for name in RIVALS if name in found.index)]
    head = {
        "study": folder.resolve().name,
        "rows": table.n_examples,
        "features": table.n_features,
        "tasks": table.n_tasks,
        "skilled": int(pd.read_csv(study.validation / "skill.csv")["skilled"].sum()),
        "recommended": portfolios.loc[portfolios["chosen"], "portfolio"].item(),
        "score": score,
    }
    every = found.loc[names, list(COLUMNS)].reset_index(names="rival")
    return pd.concat([pd.DataFrame([head] * len(names)), every], axis=1)


def summary(table: pd.DataFrame) -> str:
    """One line a study."""
    rivals = [name for name in RIVALS if name in set(table["rival"])]
    heads = ["set", "rows × features, tasks", "recommended", "score"]
    lines = [_line([*heads, *rivals]), _line(["---"] * (len(heads) + len(rivals)))]
    for name, own in table.groupby("study", sort=False):
        first, by_rival = own.iloc[0], own.set_index("rival")
        size = f"{first['rows']:,} × {first['features']:,}, {first['tasks']}"
        score = f"{first['score'].upper()} {first['mean']:.3f}"
        cells = [
            f"{by_rival.loc[rival, 'difference']:+.3f} "
            f"({by_rival.loc[rival, 'low']:.3f} to {by_rival.loc[rival, 'high']:.3f})"
            if rival in by_rival.index
            else ""
            for rival in rivals
        ]
        lines.append(_line([str(name), size, first["recommended"], score, *cells]))
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python summary.py OUT.csv STUDY ..., of studies that are finished")
    out, found = Path(sys.argv[1]), [rows(Path(name)) for name in sys.argv[2:]]
    by_study = {name: own for each in found for name, own in each.groupby("study")}
    if out.exists():
        by_study = dict(iter(pd.read_csv(out).groupby("study", sort=False))) | by_study
    whole = pd.concat(by_study.values(), ignore_index=True)
    whole.to_csv(out, index=False, float_format="%.5g")
    print(summary(whole))
