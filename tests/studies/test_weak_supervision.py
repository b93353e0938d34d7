"""Labelling functions of known accuracy: which are chosen, and what is never read."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = Path(__file__).parents[2] / "studies" / "weak-supervision" / "weak.py"
RIGHT = [0.9, 0.85, 0.9, 0.8, 0.15, 0.1, 0.2, 0.9]  # of the votes of each function


@pytest.fixture(scope="module")
def weak():
    spec = importlib.util.spec_from_file_location("weak", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path: Path, flip_training_labels: bool = False) -> Path:
    rng = np.random.default_rng(0)
    n = 900
    label = rng.integers(0, 2, n)
    words = np.array([["red", "rose", "wine", "fire"], ["blue", "sea", "ice", "sky"]])
    texts = [" ".join([*rng.choice(words[c], 2), rng.choice(["it", "is", "so"])]) for c in label]
    table = pd.DataFrame({"split": np.repeat(["train", "valid", "test"], 300), "text": texts})
    table["label"] = label
    for at, right in enumerate(RIGHT):
        vote = np.where(rng.random(n) < right, label, 1 - label).astype(float)
        table[f"lf{at}"] = np.where(rng.random(n) < 0.4, vote, np.nan)
    if flip_training_labels:
        train = table["split"] == "train"
        table.loc[train, "label"] = 1 - table.loc[train, "label"]
    table.to_csv(path, index=False)
    return path


def test_functions_that_are_wrong_are_told_from_those_that_are_right(weak, tmp_path):
    rows, functions = weak.read(str(write(tmp_path / "t.csv")))
    assert functions == [f"lf{at}" for at in range(8)]
    chosen, effect, spearman = weak.choose(rows)
    right = np.array(RIGHT) > 0.5
    assert effect[right].min() > effect[~right].max()
    assert not chosen[~right].any()
    assert chosen.sum() >= 2
    assert spearman > 0.5


def test_training_labels_are_never_read_to_choose(weak, tmp_path):
    plain, _ = weak.read(str(write(tmp_path / "a.csv")))
    turned, _ = weak.read(str(write(tmp_path / "b.csv", flip_training_labels=True)))
    assert (weak.choose(plain)[0] == weak.choose(turned)[0]).all()


def test_a_majority_is_clear_or_none(weak, tmp_path):
    rows, _ = weak.read(str(write(tmp_path / "t.csv")))
    every = np.ones(8, dtype=bool)
    votes = rows.votes["test"]
    ones, zeros = (votes == 1).sum(axis=1), (votes == 0).sum(axis=1)
    wanted = np.where(ones > zeros, 1, np.where(zeros > ones, 0, -1))
    assert (rows.majority("test", every) == wanted).all()
    assert (wanted == -1).any()


@pytest.mark.parametrize(("columns", "said"), [(["text"], "no column"), (["lf0"], "vote 10 times")])
def test_a_table_that_will_not_do_is_refused_in_a_line(weak, tmp_path, columns, said):
    path = write(tmp_path / "t.csv")
    table = pd.read_csv(path).drop(columns=columns)
    pattern = "lf[0-3]" if columns == ["lf0"] else "lf*"
    table.to_csv(path, index=False)
    with pytest.raises(SystemExit, match=said):
        weak.read(str(path), pattern)
