"""What foretells a score at four times the labels: one form of curve, the chosen one, their mean.

    python benchmarks/curves_forms.py                   # curves that are drawn
    python benchmarks/curves_forms.py database-auc.csv  # those of LCDB, from the package lcdb

LCDB's curves (Mohr, Viering, Loog and van Rijn, ECML 2022) are 20 learners on 166 data sets; a
score is the mean over its splits. All but one part in four of the sizes is left out, but for the
largest size, which is foretold.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from curves_study import markdown
from lab.curve_forms import choose_form, foretell
from lab.learning_curve import LearningCurve

Curve = tuple[np.ndarray, np.ndarray]
FEWEST = 6  # sizes that are known
SINGLE = ("exp3.1", "exp4", "ilog2", "power")
SHAPES = {
    "exponential": lambda n, rng: 0.9 - np.exp(-rng.uniform(0.7, 2) - n / rng.uniform(100, 2000)),
    "power": lambda n, rng: 0.95 - rng.uniform(0.8, 2) * n ** -rng.uniform(0.2, 0.6),
    "late rise": lambda n, rng: 0.55 + 0.35 / (1 + (rng.uniform(100, 2000) / n) ** 2),
    "plateau, then rise": lambda n, rng: (
        0.6 + 0.15 / (1 + (30 / n) ** 2) + 0.15 / (1 + (rng.uniform(400, 3000) / n) ** 3)
    ),
    "dip": lambda n, rng: (
        0.85 - n**-0.4 - rng.uniform(0.02, 0.1) * np.exp(-np.square(np.log(n / 200)))
    ),
}


def drawn(n_each: int, noise: float = 0.005) -> Iterator[tuple[str, Curve]]:
    """Curves of each shape from 16 to 4,096 labels, measured with noise."""
    sizes = np.round(16 * 2 ** np.arange(0, 8.5, 0.5))
    for shape, curve in SHAPES.items():
        for seed in range(n_each):
            rng = np.random.default_rng(seed)
            yield shape, (sizes, curve(sizes, rng) + rng.normal(0, noise, len(sizes)))


def of_lcdb(path: Path, n: int) -> Iterator[tuple[str, Curve]]:
    """Some n of the database's curves that have sizes enough, by a fixed seed."""
    table = pd.read_csv(path, usecols=["openmlid", "learner", "size_train", "score_test"])
    means = table.groupby(["openmlid", "learner", "size_train"])["score_test"].mean().dropna()
    curves = [
        (curve.index.get_level_values("size_train").to_numpy(float), curve.to_numpy())
        for _, curve in means.groupby(["openmlid", "learner"])
    ]
    enough = [curve for curve in curves if np.sum(4 * curve[0] <= curve[0][-1]) >= FEWEST]
    for place in np.random.default_rng(0).permutation(len(enough))[:n]:
        yield "LCDB", enough[place]


def errors(sizes: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Absolute error at the largest size of each way to foretell it from a quarter of it."""
    known = 4 * sizes <= sizes[-1]
    X, y, top = sizes[known, None], scores[known], sizes[-1:, None]
    template = LearningCurve(n_starts=2)
    found = {"last value": y[-1]}
    for form in SINGLE:
        curve = LearningCurve(form, n_starts=2, random_state=0)
        found[form] = curve.fit(X, y).predict(top)[0]
    found["chosen form"] = found[choose_form(X, y, curve=template)[0].form]
    found["mean by weight"] = foretell(X, y, top, curve=template)[0]
    return {name: abs(value - scores[-1]) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("database", nargs="?", type=Path, help="a CSV file of the package lcdb")
    parser.add_argument("--curves", type=int, default=400, help="of LCDB, or in all")
    given = parser.parse_args()
    n_each = max(given.curves // len(SHAPES), 1)
    curves = of_lcdb(given.database, given.curves) if given.database else drawn(n_each)
    found = pd.DataFrame([{"curves": kind, **errors(*curve)} for kind, curve in curves])
    header = ["foretold by", "median error", "mean error", "one in ten exceeds"]
    for kind, part in [("all", found), *(found.groupby("curves") if not given.database else [])]:
        table = part.drop(columns="curves")
        rows = [
            [name, *(f"{v:.4f}" for v in (e.median(), e.mean(), e.quantile(0.9)))]
            for name, e in table.items()
        ]
        print(markdown(f"{kind}: {len(part)} curves", header, rows), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
