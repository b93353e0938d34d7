"""The benchmark's tables of real fits, on a simulated table of fits."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.simulated import simulate_subsets, simulate_truth

N_TASKS = 8


@pytest.fixture(scope="module")
def fits():
    path = Path(__file__).parents[2] / "benchmarks" / "surrogate_fits.py"
    spec = importlib.util.spec_from_file_location("surrogate_fits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    """Log losses about 1 whose gains over single-task training are a known truth."""
    truth = simulate_truth("additive", N_TASKS, 0)
    rng = np.random.default_rng(0)
    X = simulate_subsets(N_TASKS, 80, 2, 6, rng)
    single = np.eye(N_TASKS)
    rows = []
    for kind, subsets in (("subset", X), ("single", single)):
        scores = 0.01 * truth.measure(subsets, 0.5, 3, rng)
        for repeat, number, task in zip(*np.nonzero(~np.isnan(scores)), strict=True):
            mask = sum(1 << int(t) for t in np.flatnonzero(subsets[number]))
            rows.append(
                {
                    "kind": kind,
                    "repeat": repeat,
                    "members": f"{mask:x}",
                    "task": f"task {task}",
                    "val_log_loss": 1.0 - scores[repeat, number, task],
                }
            )
    frame = pd.DataFrame(rows).sample(frac=1, random_state=0)
    together = frame[frame["kind"] == "single"].assign(kind="together")
    return pd.concat([frame, together]), X, truth


def test_scores_are_read_with_their_sign_and_place(fits, table):
    frame, X, truth = table
    data = fits.read_scores(frame)
    assert data.tasks == [f"task {i}" for i in range(N_TASKS)]
    assert sorted(map(tuple, data.X)) == sorted(map(tuple, X))
    np.testing.assert_array_equal(np.isnan(data.Y[0]), data.X == 0)
    known = data.X == 1
    gains = 100 * data.effects.mean(axis=0)
    assert np.corrcoef(gains[known], truth.gains(data.X)[known])[0, 1] > 0.9


def test_all_tables_are_made(fits, table):
    frame, _, truth = table
    result = fits.tables_of(frame, {"affinity": truth.effects}, 0.5, np.ones(N_TASKS))
    held_out = result["Held-out subsets"].set_index("surrogate")
    assert held_out.loc["linear", "of the ceiling"] > 0.9
    figures = result["Negative transfer on held-out subsets"].set_index("predictor")
    assert figures.loc["surrogate", "balanced_accuracy"] > 0.85
    assert figures.loc["affinity", "balanced_accuracy"] > 0.7  # the true effects, as a mean
    assert figures.loc["always", "balanced_accuracy"] == 0.5
    verdicts = result["Verdicts"].iloc[0]
    assert verdicts["helps"] + verdicts["hurts"] > 20
    reliability = result["Reliability by score and repeats"]
    assert {1, 2, 3} <= set(reliability["repeats"])
    # Spearman and Brown agree with themselves: what 0.8 costs does not depend on the repeats.
    np.testing.assert_allclose(reliability["seconds for 0.8"].dropna()[:3].std(), 0, atol=0.5)
    spent = result["Subsets or repeats"]["seconds of training"]
    assert spent.max() < 1.05 * spent.min()


def test_a_table_that_does_not_serve_is_refused(fits, table):
    frame = table[0]
    with pytest.raises(ValueError, match="must have the column val_auroc"):
        fits.read_scores(frame, "auroc")
    with pytest.raises(ValueError, match="single-task fit"):
        fits.read_scores(frame[frame["kind"] == "subset"])
    wrong = frame.copy()
    wrong.loc[wrong["kind"] == "subset", "members"] = "1"
    with pytest.raises(ValueError, match="must not score"):
        fits.read_scores(wrong)
