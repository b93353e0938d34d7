"""What `cotrain votes` writes and says."""

from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.reliability import HELPS, HURTS
from cotrain.tables import write_all
from cotrain.votes._table import VoteTable, listed
from cotrain.votes._ways import Comparison


def write_report(table: VoteTable, found: Comparison, folder: Path) -> str:
    """Write `vote_functions`, `vote_ways` and `vote_predictions` to a folder; returns the findings.

    CotrainError if the folder cannot be written to.
    """
    predictions = pd.DataFrame({
        "row": table.rows,
        "class": np.array(table.classes, dtype=object)[found.probability.argmax(axis=1)],
        "probability": found.probability.max(axis=1),
    })  # fmt: skip
    written = {
        "vote_functions": _functions(table, found),
        "vote_ways": found.ways,
        "vote_predictions": predictions,
    }
    write_all(folder, written)
    n_train = int((table.part == "train").sum())
    n_valid, n_test = (table.known(part).size for part in ("valid", "test"))
    files = ", ".join(f"{folder / name}.csv" for name in written)
    sizes = f"{n_train} rows to train on, {n_valid} labels to choose by, {n_test} to report"
    return "\n".join([
        f"{sizes}; {len(table.functions)} functions; classes {listed(table.classes)}",
        *(f"note: {note}" for note in table.notes),
        "",
        *_shown(found.ways),
        "",
        *_said(written["vote_functions"], found),
        f"tables: {files}",
    ])  # fmt: skip


def _said(functions: pd.DataFrame, found: Comparison) -> list[str]:
    lines = []
    for verdict, what in ((HELPS, "help"), (HURTS, "hurt")):
        names = functions.loc[functions["verdict"] == verdict, "function"].tolist()
        lines.append(f"functions that {what}: {listed(names) or 'none is decided'}")
    left = functions.loc[~functions["chosen"], "function"].tolist()
    n_chosen, n = len(functions) - len(left), len(functions)
    without = f", without {listed(left)}" if left else ""
    lines.append(f"chosen: {n_chosen} of {n}{without}")
    lines.append(f"Spearman correlation on held-out subsets: {found.choice.spearman:.2f}")
    why = "the simplest way not clearly worse than the best on validation labels"
    return [*lines, f"recommended: {found.recommended}, {why}"]


def _functions(table: VoteTable, found: Comparison) -> pd.DataFrame:
    effects, valid = found.choice.effects, table.known("valid")
    voted = table.votes[valid] >= 0
    right = (table.votes[valid] == table.truth[valid, None]) & voted
    count = voted.sum(axis=0)
    return pd.DataFrame({
        "function": table.functions,
        "n_votes": (table.votes[table.part == "train"] >= 0).sum(axis=0),
        "n_checked": count,
        "right": right.sum(axis=0) / np.where(count > 0, count, np.nan),
        "effect": effects.estimate[-1, :-1],
        "low": effects.low[-1, :-1],
        "high": effects.high[-1, :-1],
        "verdict": effects.verdict[-1, :-1],
        "chosen": found.choice.members,
    }).sort_values("effect", ascending=False, ignore_index=True)  # fmt: skip


def _shown(ways: pd.DataFrame) -> list[str]:
    width = ways["way"].str.len().max() + 2
    head = "way to predict".ljust(width)
    lines = [f"{head}  valid   test  gain of the recommended way (95 %)"]
    for row in ways.to_dict("records"):
        name = f"* {row['way']}" if row["recommended"] else f"  {row['way']}"
        valid = " " * 5 if np.isnan(row["valid_accuracy"]) else f"{row['valid_accuracy']:.3f}"
        gain = f"{row['difference']:+.3f} ({row['low']:.3f} to {row['high']:.3f})"
        lines.append(
            f"{name.ljust(width)}  {valid}  {row['test_accuracy']:.3f}"
            + ("" if row["recommended"] else f"  {gain}")
        )
    return lines
