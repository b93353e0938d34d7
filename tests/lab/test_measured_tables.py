from itertools import combinations

import numpy as np
import pytest

import measured_tables


def write(folder, name, values, separator):
    text = "\n".join(separator.join(f"{one:g}" for one in row) for row in values)
    (folder / name).write_text(text + "\n")


@pytest.fixture
def folder(tmp_path):
    """Gains that are sums of effects, in the layout of MTG-Net, and an estimate that is right."""
    rng = np.random.default_rng(0)
    effects = rng.normal(size=(6, 6))
    subsets = [c for size in range(1, 7) for c in combinations(range(6), size)]
    X = np.array([[float(task in one) for task in range(6)] for one in subsets])
    gains = (X @ effects - np.diag(effects)) * X * (X.sum(axis=1, keepdims=True) > 1)
    write(tmp_path, "made_x.csv", X, ",")
    write(tmp_path, "made_y.csv", gains, " ")
    write(tmp_path, "made_HOA.csv", gains, ",")
    write(tmp_path, "other.csv", gains[:5], ",")
    return tmp_path


def test_gains_of_members_alone_are_read_and_estimates_are_rivals(folder):
    found = measured_tables.tables(folder)
    assert list(found) == ["made_y"]
    X, gains, said = found["made_y"]
    assert len(X) == 57
    assert (np.isnan(gains) == (X == 0)).all()
    assert list(said) == ["made_HOA"]


def test_a_sum_of_effects_is_foretold_and_a_mean_is_not(folder):
    figures = measured_tables.judged(*measured_tables.tables(folder)["made_y"], seed=0)
    assert figures.loc["made_HOA", "Spearman"] == 1
    assert figures.loc["linear", "Spearman"] > 0.98
    assert figures.loc["always", "balanced accuracy"] == 0.5
    assert figures.loc["none", "balanced accuracy"] < 0.9 < figures.loc["linear", "F1"]


def test_a_folder_without_tables_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["measured_tables.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="holds no NAME_x.csv"):
        measured_tables.main()
