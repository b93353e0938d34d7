"""How often verdicts are false, and intervals hold, in worlds without any effect.

    python benchmarks/calibration.py                     # every table, 200 studies a row
    python benchmarks/calibration.py stattag --studies 50

A study in which anything is decided counts as a false discovery. Coverage is of 95 % intervals, in
thirds of the targets by their noise, quiet to loud.
"""

import argparse
from collections.abc import Callable

import numpy as np

from cotrain.comparison import compare_groupings
from cotrain.curves import domain_effects, pairwise_effects
from cotrain.reliability import paired_interval
from cotrain.surrogates import relevance
from curves_study import markdown

REPEATS = (3, 4, 8)
# Normal or heavy tails (Student's t with 3 degrees); noise alike, or differing between targets
# (standard deviation of its logarithm 0.67) and from score to score of a target (0.25).
WORLDS = {
    "independent": (False, False),
    "heavy tails": (True, False),
    "unequal noise": (False, True),
    "heavy tails, unequal noise": (True, True),
}
# Standard deviations of a repeat's own effects, in units of the noise.
BETWEEN = (0.0, 0.3, 0.5, 1.0)

Study = tuple[bool, np.ndarray]  # anything decided; coverage of each target, quiet to loud


def draw(rng: np.random.Generator, shape: tuple[int, ...], heavy: bool) -> np.ndarray:
    """Noise of variance 1."""
    return rng.standard_t(3, shape) / np.sqrt(3) if heavy else rng.normal(size=shape)


def loudness(rng: np.random.Generator, n_tasks: int, unequal: bool) -> np.ndarray:
    """Standard deviation of each target's noise, (K,), in ascending order."""
    return np.sort(np.exp(rng.normal(0, 0.67, n_tasks))) if unequal else np.ones(n_tasks)


def relevance_study(
    rng: np.random.Generator,
    n_repeats: int,
    world: str,
    between: float = 0.0,
    n_tasks: int = 8,
    n_subsets: int = 40,
) -> Study:
    heavy, unequal = WORLDS[world]
    X = np.unique((rng.random((n_subsets, n_tasks)) < 0.5).astype(float), axis=0)
    X = X[X.sum(axis=1) > 1]
    sd = loudness(rng, n_tasks, unequal)
    noise = sd * draw(rng, (n_repeats, *X.shape), heavy)
    own = between * sd[:, None] * draw(rng, (n_repeats, n_tasks, n_tasks), heavy)
    if unequal:
        noise *= np.exp(rng.normal(0, 0.25, (len(X), 1)))
        own *= np.exp(rng.normal(0, 0.25, (n_tasks, n_tasks)))
    Y = noise + np.einsum("ns,rts->rnt", X, own)
    found = relevance(X, np.where(X == 1, Y, np.nan))
    return _judged(found.verdict, found.low, found.high)


def stattag_study(rng: np.random.Generator, n_repeats: int, world: str, n_tasks: int = 10) -> Study:
    effects = pairwise_effects(*_grid(rng, n_repeats, world, n_tasks))
    return _judged(effects.verdict.T, effects.low.T, effects.high.T)


def given_study(rng: np.random.Generator, n_repeats: int, world: str, n_tasks: int = 10) -> Study:
    effects = domain_effects(*_grid(rng, n_repeats, world, n_tasks))[0]
    decided = bool(np.isin(effects.verdict, ("helps", "hurts")).any())
    return decided, ((effects.low < 0) & (effects.high > 0)).astype(float)


def interval_study(rng: np.random.Generator, n_repeats: int, world: str) -> Study:
    """`paired_interval`: one comparison, decided where its interval is apart from 0."""
    heavy, unequal = WORLDS[world]
    sd = loudness(rng, 30, unequal)
    found = paired_interval(sd * draw(rng, (n_repeats, 30), heavy))
    held = ((found.low < 0) & (found.high > 0)).astype(float)
    return bool(found.p_value[0] <= 0.05), held


def grouping_study(rng: np.random.Generator, n_repeats: int, world: str) -> Study:
    heavy, unequal = WORLDS[world]
    scores = loudness(rng, 10, unequal) * draw(rng, (n_repeats, 5, 10), heavy)
    names, tasks = [f"g{i}" for i in range(5)], [f"t{i}" for i in range(10)]
    found = compare_groupings(scores, names, tasks, method="t").tasks
    held = (found["low"] < 0) & (found["high"] > 0)
    decided = bool(found["verdict"].isin(["wins", "loses"]).any())
    return decided, held.to_numpy(dtype=float).reshape(4, 10).mean(axis=0)


def _grid(
    rng: np.random.Generator, n_repeats: int, world: str, n_tasks: int
) -> tuple[np.ndarray, np.ndarray]:
    heavy, unequal = WORLDS[world]
    sd = loudness(rng, n_tasks, unequal)
    single = np.exp(rng.normal(0, 0.25, (n_tasks, n_tasks))) if unequal else 1.0
    base = sd * draw(rng, (n_repeats, 1, n_tasks), heavy)
    return base, sd * single * draw(rng, (n_repeats, 1, n_tasks, n_tasks), heavy)


def _judged(verdict: np.ndarray, low: np.ndarray, high: np.ndarray) -> Study:
    """Of squares [target, source]."""
    off = ~np.eye(len(verdict), dtype=bool)
    held = np.where(off, (low < 0) & (high > 0), False).sum(axis=1) / (len(off) - 1)
    return bool(np.isin(verdict[off], ("helps", "hurts")).any()), held


def rates(study: Callable[..., Study], n_studies: int, *arguments: object) -> tuple[float, list]:
    """Share of studies that decide anything, and coverage in thirds of targets."""
    found = [study(np.random.default_rng(seed), *arguments) for seed in range(n_studies)]
    held = np.mean([covered for _, covered in found], axis=0)
    thirds = [float(third.mean()) for third in np.array_split(held, 3)]
    return float(np.mean([decided for decided, _ in found])), thirds


STUDIES: dict[str, Callable[..., Study]] = {
    "relevance": relevance_study,
    "stattag": stattag_study,
    "given": given_study,
    "paired_interval": interval_study,
    "compare_groupings": grouping_study,
}


def table(name: str, n_studies: int) -> str:
    rows = []
    between = BETWEEN if name == "relevance" else (0.0,)
    for world in WORLDS:
        for own in between:
            for n_repeats in REPEATS:
                more = (own,) if name == "relevance" else ()
                rate, thirds = rates(STUDIES[name], n_studies, n_repeats, world, *more)
                rows.append([world, own, n_repeats, f"{rate:.3f}", *(f"{t:.3f}" for t in thirds)])
    header = ["world", "repeats' own effects", "repeats", "false discovery rate",
              "quiet third", "middle", "loud third"]  # fmt: skip
    return markdown(f"{name}, {n_studies} studies without effects", header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", choices=[*STUDIES, []], help="all if none is named")
    parser.add_argument("--studies", type=int, default=200, help="a row")
    arguments = parser.parse_args()
    for name in arguments.tables or STUDIES:
        print(table(name, arguments.studies), flush=True)
        print()


if __name__ == "__main__":
    main()
