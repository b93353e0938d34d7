"""The table of rivals of a finished study, as Markdown: `python rivals.py STUDY SCORE ...`."""

import sys
from pathlib import Path

import pandas as pd


def rivals(study: Path, scores: list[str]) -> str:
    """Test scores of each way to predict, and what the recommended portfolio gains over it.

    Gains are better if positive whatever the score, means have its natural sign; intervals are
    Student's at 95 %, over repeats.
    """
    table = pd.read_csv(study / "data" / "validation" / "comparison.csv")
    table = table[table["calibration"] == "raw"]
    heads = ["way to predict", *(head for score in scores for head in (score, "gain"))]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for way in table["grouping"].drop_duplicates():
        rows = table[table["grouping"] == way].set_index("score")
        cells = [cell for score in scores for cell in _cells(rows.loc[score])]
        lines.append(_line([f"**{way}**" if way == "recommended" else way, *cells]))
    return "\n".join(lines)


def _cells(row: pd.Series) -> list[str]:
    gain = f"{row['difference']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
    return [f"{row['mean']:.3f}", "" if pd.isna(row["difference"]) else gain]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(rivals(Path(sys.argv[1]), sys.argv[2:]))
