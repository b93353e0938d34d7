"""MultiFashion: two pieces of clothing in one image; a table of tasks, the images beside it.

    python overlay.py fashion_mnist.npz

FILE holds `images` (n, 28, 28), `labels` (n,) and `test` (n,), 1 for pieces of the test set. Writes
`pairs.csv` and `pairs.npz`. No piece is in two folds: pairs are drawn within the pieces of a fold,
and the last fold's are the test set's.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

N_FOLDS = 6  # the last one tests
PAIRS = 500  # a fold
SIZE, SHIFT = 36, 8
KINDS = {"shoe": (5, 7, 9), "top": (0, 2, 4, 6), "shirt": (6,)}


def overlaid(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Left pieces at the top left, right ones at the bottom right, the brighter pixel of both."""
    images = np.zeros((len(left), SIZE, SIZE), np.uint8)
    images[:, :-SHIFT, :-SHIFT] = left
    np.maximum(images[:, SHIFT:, SHIFT:], right, out=images[:, SHIFT:, SHIFT:])
    return images


def tasks(kinds: dict[str, np.ndarray], pieces: dict[str, np.ndarray]) -> pd.DataFrame:
    """What is asked of each pair, 0 or 1."""
    table = {
        f"{side}_{name}": np.isin(kinds[side], members).astype(int)
        for side in ("left", "right")
        for name, members in KINDS.items()
    }
    ink = {side: images.sum(axis=(1, 2), dtype=np.int64) for side, images in pieces.items()}
    alike = [table[f"left_{name}"] == table[f"right_{name}"] for name in ("shoe", "top")]
    table["alike"] = (alike[0] & alike[1]).astype(int)
    table["left_heavier"] = (ink["left"] > ink["right"]).astype(int)
    return pd.DataFrame(table)


def main(file: Path) -> None:
    with np.load(file) as stored:
        images, labels, test = stored["images"], stored["labels"], stored["test"]
    rng = np.random.default_rng(0)
    parts = np.array_split(rng.permutation(np.flatnonzero(test == 0)), N_FOLDS - 1)
    parts.append(np.flatnonzero(test == 1))
    tables, pictures = [], []
    for fold, part in enumerate(parts):
        chosen = dict(zip(("left", "right"), rng.choice(part, (2, PAIRS)), strict=True))
        pieces = {side: images[places] for side, places in chosen.items()}
        table = tasks({side: labels[places] for side, places in chosen.items()}, pieces)
        tables.append(table.assign(fold=fold))
        pictures.append(overlaid(**pieces))
    pd.concat(tables).to_csv("pairs.csv", index=False)
    np.savez_compressed("pairs.npz", images=np.concatenate(pictures))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python overlay.py fashion_mnist.npz")
    main(Path(sys.argv[1]))
