"""The table of rivals of a finished study, as Markdown: `python rivals.py STUDY SCORE ...`.

With `--worst` after the scores, each way's worst task stands beside its mean.
"""

import sys
from pathlib import Path

import pandas as pd

from cotrain.scores import find_score


def rivals(study: Path, scores: list[str], with_worst: bool = False) -> str:
    """Test scores of each way to predict, and what the recommended portfolio gains over it.

    Gains are better if positive whatever the score, means have its natural sign; intervals are
    Student's at 95 %, over repeats. Losses are shown after recalibration on validation labels too.
    """
    table = pd.read_csv(study / "data" / "validation" / "comparison.csv")
    tasks = pd.read_csv(study / "data" / "validation" / "tasks.csv")
    tasks = tasks[tasks["calibration"] == "raw"].set_index(["score", "grouping"])["mean"]
    shown = {
        score: table[table["score"] == score].set_index(["calibration", "grouping"])
        for score in scores
    }
    heads = ["way to predict"]
    for score, rows in shown.items():
        heads += [score, *(["worst task"] if with_worst else []), "gain"]
        heads += [f"{score}, recalibrated"] if "recalibrated" in rows.index else []
    lines = [_line(heads), _line(["---"] * len(heads))]
    for way in table["grouping"].drop_duplicates():
        cells = []
        for score, rows in shown.items():
            mean, *others = _cells(rows, way)
            worst = find_score(score).sign * (find_score(score).sign * tasks[score, way]).min()
            cells += [mean, *([f"{worst:.3f}"] if with_worst else []), *others]
        lines.append(_line([f"**{way}**" if way == "recommended" else way, *cells]))
    return "\n".join(lines)


def _cells(rows: pd.DataFrame, way: str) -> list[str]:
    row = rows.loc[("raw", way)]
    low, difference, high = (row[name] for name in ("low", "difference", "high"))
    gain = f"{difference:.4f} ({low:.4f} to {high:.4f})"
    if max(abs(low), abs(high)) < 1e-6:
        gain = "0 (the same models)"
    cells = [f"{row['mean']:.3f}", "" if pd.isna(row["difference"]) else gain]
    if "recalibrated" in rows.index:
        cells.append(f"{rows.loc[('recalibrated', way), 'mean']:.3f}")
    return cells


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if len(sys.argv) < 3 or not (Path(sys.argv[1]) / "data/validation/comparison.csv").exists():
        sys.exit("usage: python rivals.py STUDY SCORE ..., of a study that `cotrain validate` ran")
    scores = [name for name in sys.argv[2:] if name != "--worst"]
    print(rivals(Path(sys.argv[1]), scores, "--worst" in sys.argv))
