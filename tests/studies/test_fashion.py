"""What `studies/fashion/overlay.py` makes of images."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = Path(__file__).parents[2] / "studies" / "fashion" / "overlay.py"


@pytest.fixture(scope="module")
def overlay():
    spec = importlib.util.spec_from_file_location("overlay", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_have_the_tasks_of_their_pieces_and_no_piece_lies_in_two_folds(
    overlay, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(overlay, "PAIRS", 60)
    # Piece i is grey i all over, so that corners tell which pieces were laid.
    rng = np.random.default_rng(0)
    labels, test = rng.integers(0, 10, 120), np.arange(120) >= 90
    images = np.arange(120, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    np.savez(tmp_path / "pieces.npz", images=images, labels=labels, test=test)
    overlay.main(tmp_path / "pieces.npz")
    table = pd.read_csv("pairs.csv")
    with np.load("pairs.npz") as stored:
        pairs = stored["images"]
    left, right = pairs[:, 0, 0], pairs[:, -1, -1]
    assert pairs.shape == (360, 36, 36)
    np.testing.assert_array_equal(pairs[:, 18, 18], np.maximum(left, right))
    np.testing.assert_array_equal(table["right_shoe"], np.isin(labels[right], (5, 7, 9)))
    np.testing.assert_array_equal(table["left_shirt"], labels[left] == 6)
    np.testing.assert_array_equal(table["left_heavier"], left > right)
    folds = [{*left[table["fold"] == fold], *right[table["fold"] == fold]} for fold in range(6)]
    assert sum(map(len, folds)) == len(set.union(*folds))
    assert all(test[list(fold)].all() == (at == 5) for at, fold in enumerate(folds))
