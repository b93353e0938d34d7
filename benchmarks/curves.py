"""What the learning curves can and cannot tell, measured on scores from known curves.

python benchmarks/curves.py all                         # every table but `speed`
python benchmarks/curves.py coverage transfer speed     # some of them
python benchmarks/curves.py study data/fits/*.parquet   # the tables of a real study
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, spearmanr

from cotrain.curves import TransferModel, pairwise_effects
from cotrain.reliability import paired_interval
from curves_study import (
    Runs,
    cheaper_grid_table,
    extrapolation_table,
    gain_table,
    held_out_table,
    markdown,
    study,
)
from curves_truth import Truth, fit_table
from lab.acquisition import STRATEGIES, simulate_acquisition
from lab.learning_curve import LearningCurve
from lab.pairwise_curves import fit_pairwise_curves
from lab.transfer_intervals import parameter_intervals, score_intervals


def coverage() -> str:
    """How often single curves' 95 % intervals hold the truth."""
    rows = []
    n_draws = 60
    columns = ("c", "b", "a_own", "a_auxiliary", "a_others", "expected score")
    for form, stages in (("exp3.1", "joint"), ("exp3.3", "joint"), ("exp3.3", "paper")):
        for shared in (False, True):
            held: dict[str, list[bool]] = {}
            for draw in range(n_draws):
                curve, truth, X, scores = _one_curve(form, stages, shared, draw)
                for name, (low, high) in curve.interval().items():
                    held.setdefault(name, []).append(low <= truth[name] <= high)
                interval = curve.predict_interval(X)
                inside = (interval[:, 0] <= scores) & (scores <= interval[:, 1])
                held.setdefault("expected score", []).append(float(inside.mean()))
            noise = "shared by repeats" if shared else "independent"
            shares = [f"{np.mean(held[c]):.3f}" if c in held else "-" for c in columns]
            rows.append([form, stages, noise, *shares])
    header = ["form", "stages", "noise", *columns]
    return markdown(f"Coverage of single curves' 95 % intervals, {n_draws} draws", header, rows)


def _one_curve(
    form: str, stages: str, shared: bool, seed: int
) -> tuple[LearningCurve, dict[str, float], np.ndarray, np.ndarray]:
    """A curve fitted to six repeats of single-task and all-task fits at four levels."""
    rng = np.random.default_rng(seed)
    repeats = np.tile(np.repeat(np.arange(6), 4), 3)
    own = np.tile([100.0, 200.0, 300.0, 400.0], 18) * rng.uniform(0.9, 1.1, 72)
    together = np.repeat([0.0, 1.0, 1.0], 24)
    auxiliary = together * rng.uniform(50, 400, 72)
    others = together * rng.uniform(500, 3000, 72)
    X = np.stack([own, auxiliary, others], axis=1)
    truth = {"c": 0.88, "b": -1.2, "a_own": 0.005, "a_auxiliary": 0.001, "a_others": 0.0001}
    if form == "exp3.1":
        X, repeats = X[:24, :1], repeats[:24]
    a = np.array(list(truth.values())[2 : 2 + X.shape[1]])
    scores = truth["c"] - np.exp(truth["b"] - X @ a)
    noise = rng.normal(0, 0.01, len(X))
    if shared:
        noise = noise / 2 + rng.normal(0, 0.01, 6)[repeats]
    curve = LearningCurve(form, stages=stages, n_starts=2, n_bootstrap=200, random_state=seed)
    return curve.fit(X, scores + noise, repeats if shared else None), truth, X, scores


def transfer() -> str:
    """Exchange rates, parameters and coverage of the transfer model."""
    rows = []
    for n_tasks, noise, seeds in ((12, 0.006, 8), (12, 0.015, 8), (30, 0.006, 2)):
        found = [_one_transfer(n_tasks, noise, seed) for seed in range(seeds)]
        mean = np.mean(found, axis=0)
        rows.append([n_tasks, noise, seeds, *(f"{value:.3f}" for value in mean)])
    header = ["tasks", "noise", "seeds", "Spearman, all pairs", "Spearman within target", "a_ij",
              "a_ii", "c", "b", "exchange rate", "score"]  # fmt: skip
    return markdown("Transfer model: exchange rates, and coverage of 95 % intervals", header, rows)


def _one_transfer(n_tasks: int, noise: float, seed: int) -> list[float]:
    truth, runs = _simulated(n_tasks, seed, noise=noise)
    model = TransferModel(random_state=0).fit(runs.N, runs.Y, runs.repeats)
    interval = parameter_intervals(model)
    off = ~np.eye(n_tasks, dtype=bool)
    rates, found = truth.exchange_rates, model.exchange_rates_
    within = [spearmanr(rates[i][off[i]], found[i][off[i]]).statistic for i in range(n_tasks)]
    known = np.isfinite(runs.Y)
    scores = _held(score_intervals(model, runs.N), truth.scores(runs.N))
    return [
        spearmanr(rates[off], found[off]).statistic,
        float(np.mean(within)),
        _held(interval.discounts, truth.discounts)[off].mean(),
        _held(interval.discounts, truth.discounts)[~off].mean(),
        _held(interval.asymptotes, truth.c).mean(),
        _held(interval.applicabilities, truth.b).mean(),
        _held(model.exchange_rate_intervals(), rates)[off].mean(),
        scores[known].mean(),
    ]


def _held(interval: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return (interval[..., 0] <= truth) & (truth <= interval[..., 1])


def _simulated(n_tasks: int, seed: int, **options: float) -> tuple[Truth, Runs]:
    """A truth and its fit table, the tasks in the table's order."""
    truth = Truth.draw(n_tasks, seed)
    runs = Runs.of(fit_table(truth, seed, **options))
    order = [int(name[1:]) for name in runs.tasks]
    square = np.ix_(order, order)
    ordered = Truth(truth.fold_size[order], truth.c[order], truth.b[order], truth.discounts[square])
    return ordered, runs


def verdicts() -> str:
    """Found and false verdicts of the statTAG grid at FDR 5 %, against the truth's signs."""
    rows = []
    for n_repeats in (3, 6, 12):
        counts = np.zeros(6)
        for seed in range(20):
            rng = np.random.default_rng(seed)
            planted = np.zeros((20, 20))
            planted[0, 1:10], planted[1, 2:] = 0.012, -0.012  # a helpful and a harmful task
            noise = rng.uniform(0.002, 0.006, 20)
            base = rng.normal(0, noise, (n_repeats, 1, 20))
            more = planted + rng.normal(0, noise, (n_repeats, 1, 20, 20))
            verdict = pairwise_effects(base, more).verdict
            off = ~np.eye(20, dtype=bool)
            named = np.isin(verdict, ("helps", "hurts")) & off
            right = ((verdict == "helps") & (planted > 0)) | ((verdict == "hurts") & (planted < 0))
            counts += [
                (right & (planted > 0)).sum(), (right & (planted < 0)).sum(),
                named.sum(), (named & ~right).sum(), (named & ~right).sum() / max(named.sum(), 1),
                _named_by_plain_t((more - base[:, :, None, :])[:, 0][:, off]),
            ]  # fmt: skip
        found = counts / 20
        rows.append([n_repeats, f"{found[0] / 9:.2f}", f"{found[1] / 18:.2f}", f"{found[2]:.1f}",
                     f"{found[3]:.2f}", f"{found[4]:.3f}", f"{found[5]:.1f}"])  # fmt: skip
    header = ["repeats", "helpful pairs found", "harmful pairs found", "verdicts a study",
              "false ones", "false discovery rate", "verdicts by the plain t"]  # fmt: skip
    return markdown("Verdicts on 380 pairs of a planted grid, 20 studies", header, rows)


def _named_by_plain_t(gains: np.ndarray) -> int:
    """Verdicts at the same rate if each pair's variance were its own, from gains (R, pairs)."""
    p_values = paired_interval(gains).p_value
    return int((false_discovery_control(p_values) <= 0.05).sum())


def extrapolation() -> str:
    return extrapolation_table(_simulated(12, 0)[1])


def held_out() -> str:
    return held_out_table(_simulated(12, 0)[1])


def cheaper() -> str:
    truth, runs = _simulated(20, 0, noise=0.01)
    return cheaper_grid_table(runs, truth=truth.exchange_rates)


def acquisition() -> str:
    """Strategies played over four rounds on known curves, ten truths."""
    gain: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    for seed in range(10):
        truth, runs = _simulated(12, seed, levels=(1, 2), n_repeats=2, n_subsets=60, offset=0.0)
        fold = np.round(truth.fold_size)
        for name, strategy in STRATEGIES.items():
            path = simulate_acquisition(
                _play(truth, fold, np.random.default_rng(seed)), strategy, runs.N, runs.Y,
                2 * fold, np.tile(fold[:, None], 6), int(0.5 * fold.sum()), 4,
                model=TransferModel(strengths=(0.7,), ranks=(0,), random_state=0),
            )  # fmt: skip
            gain[name].append(1000 * path.gain_per_label)
    return gain_table("Label acquisition, four rounds, ten truths", gain)


def _play(
    truth: Truth, fold: np.ndarray, rng: np.random.Generator
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Scores with noise to learn from, and without to be judged by."""

    def score(revealed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        exact = truth.scores(((2 + revealed) * fold)[None])[0]
        return exact + rng.normal(0, 0.006, truth.n_tasks), exact

    return score


def speed() -> str:
    """Seconds on the clock, and the most memory that the process has held by then."""
    rows = []
    runs = _simulated(244, 0, n_repeats=3, levels=(1, 2), n_subsets=0)[1]
    started = time.perf_counter()
    pairs = fit_pairwise_curves(runs.N, runs.Y, runs.auxiliary)
    rows.append(_spent("EXP3.3, 244 × 243 pairs", started,
                       f"{pairs.converged.sum()} of {244 * 243} converged"))  # fmt: skip
    kept = np.sort(np.random.default_rng(0).permutation(len(runs.N))[:2000])
    models = {
        "30 tasks": (TransferModel(random_state=0), _simulated(30, 0, n_subsets=124)[1]),
        "244 tasks": (TransferModel(ranks=(0,), random_state=0), runs.take(kept)),
    }  # fmt: skip
    for name, (model, part) in models.items():
        started = time.perf_counter()
        model.fit(part.N, part.Y, part.repeats)
        rows.append(_spent(f"TransferModel, {name} × {len(part.N)} fits", started,
                           f"rank {model.choices_[0].rank}"))  # fmt: skip
    return markdown("Speed", ["what", "seconds", "memory, GB", "outcome"], rows)


def _spent(what: str, started: float, outcome: str) -> list[str]:
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    row = [what, f"{seconds:.0f}", f"{memory:.2f}", outcome]
    print(row, file=sys.stderr)
    return row


TABLES: dict[str, Callable[[], str]] = {
    "coverage": coverage,
    "transfer": transfer,
    "verdicts": verdicts,
    "extrapolation": extrapolation,
    "held-out": held_out,
    "cheaper": cheaper,
    "acquisition": acquisition,
    "speed": speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+", help=f"all, {', '.join(TABLES)}; or study and files")
    parser.add_argument("--score", default="auroc", help="of the study's fit tables")
    arguments = parser.parse_args()
    if arguments.tables[0] == "study":
        frames = [pd.read_parquet(Path(file)) for file in arguments.tables[1:]]
        frame = pd.concat(frames, ignore_index=True).drop_duplicates(["fit_id", "task"])
        print(study(frame, arguments.score))
        return
    chosen = (
        [t for t in TABLES if t != "speed"] if arguments.tables == ["all"] else arguments.tables
    )
    if unknown := set(chosen) - set(TABLES):
        sys.exit(f"no table {sorted(unknown)[0]}; choose from {', '.join(TABLES)}")
    for name in chosen:
        started = time.perf_counter()
        print(TABLES[name](), end="\n\n", flush=True)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
