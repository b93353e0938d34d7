"""Print the tables of docs/results/grouping.md: searches and proofs on made surrogates.

    python benchmarks/grouping.py search|exact|large|affinity [seconds a proof may take]

Coefficients are on the scale of a score near 0.8. With 30 tasks one source changes it by about
0.01; with 244 all are scaled so that a task alone choosing its sources gains 0.1 on average.
Times are seconds of one processor, so that a busy machine prints the same.
"""

import sys
import time

import numpy as np

from cotrain.grouping import (
    AffinityValue,
    Constraints,
    GroupingResult,
    LinearValue,
    Objective,
    exact_groups,
    greedy_groups,
    search_groups,
    selfish_bound,
)


def planted(n_tasks: int, n_clusters: int, noise: float, seed: int) -> LinearValue:
    """Return a surrogate whose tasks gain 0.01 from their cluster and lose 0.004 to others."""
    rng = np.random.default_rng(seed)
    label = np.arange(n_tasks) % n_clusters
    coef = np.where(label[:, None] == label, 0.01, -0.004)
    intercept = 0.8 + 0.05 * rng.normal(size=n_tasks)
    return LinearValue(intercept, coef + rng.normal(0, noise, coef.shape))


def low_rank(n_tasks: int, rank: int, seed: int) -> LinearValue:
    """Return a surrogate of rank `rank` plus noise of a quarter of its spread."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n_tasks, rank)) @ rng.normal(size=(rank, n_tasks)) / np.sqrt(rank)
    coef = 0.004 * (signal + 0.25 * rng.normal(size=signal.shape))
    return LinearValue(0.8 + 0.05 * rng.normal(size=n_tasks), coef)


def pure_noise(n_tasks: int, seed: int) -> LinearValue:
    """Return a surrogate of independent coefficients: the hardest, with nothing to find."""
    rng = np.random.default_rng(seed)
    return LinearValue(np.full(n_tasks, 0.8), rng.normal(0, 0.01, (n_tasks, n_tasks)))


def scaled(value: LinearValue, gain: float = 0.1) -> LinearValue:
    """Return the surrogate scaled so that positive coefficients add `gain` a task on average."""
    mean = np.maximum(value.coef, 0).sum(axis=1).mean()
    return LinearValue(value.intercept, value.coef * gain / mean)


def show(name: str, objective: Objective, found: GroupingResult, seconds: float) -> None:
    """Print one row: gap in per cent of the value, and of the gain over training alone."""
    alone = float(np.asarray(objective.weights) @ np.asarray(objective.value.intercept))
    gain_gap = (found.bound - found.value) / max(found.value - alone, 1e-12)
    print(
        f"| {name} | {objective.most_groups} | {found.value:.5f} | {found.bound:.5f} "
        f"| {100 * found.gap:.3f} | {100 * gain_gap:.2f} | {selfish_bound(objective):.5f} "
        f"| {'yes' if found.is_optimal else 'no'} | {seconds:.0f} |",
        flush=True,
    )


def exact(time_limit: float = 270.0) -> None:
    """Print the proofs at 30 tasks, every number of groups up to 10."""
    header("surrogate of 30 tasks")
    values = {
        "planted 5": planted(30, 5, 0.004, 0),
        "low rank 4": low_rank(30, 4, 1),
        "noise": pure_noise(30, 3),
    }
    for name, value in values.items():
        for n_groups in range(1, 11):
            prove(name, Objective(value, Constraints(n_groups)), time_limit)


def large(time_limit: float = 270.0) -> None:
    """Print the proofs at 244 tasks in 10 groups."""
    header("surrogate of 244 tasks")
    values = {
        "planted 10": planted(244, 10, 0.004, 0),
        "planted 20": planted(244, 20, 0.004, 0),
        "low rank 4": low_rank(244, 4, 1),
        "noise": pure_noise(244, 3),
    }
    for name, value in values.items():
        prove(name, Objective(scaled(value), Constraints(10)), time_limit, starts=2)


def header(first: str) -> None:
    """Print the head of a table of proofs."""
    print(
        f"| {first} | groups | value | bound | gap % | gap % of gain | selfish bound "
        "| proven | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")


def prove(name: str, objective: Objective, time_limit: float, starts: int = 10) -> None:
    """Prove one objective and print its row."""
    begun = time.process_time()
    start = greedy_groups(objective, seed=0, starts=starts).groups
    found = exact_groups(objective, start=start, time_limit=time_limit)
    show(name, objective, found, time.process_time() - begun)


def search(trials: int = 2000) -> None:
    """Print what each sampler reaches at 30 tasks, with and without a warm start."""
    print("| surrogate | sampler | warm start | gap % | gap % of gain | trials a CPU second |")
    print("|---|---|---|---|---|---|")
    for name, value in {"planted 5": planted(30, 5, 0.004, 0), "noise": pure_noise(30, 3)}.items():
        objective = Objective(value, Constraints(5))
        alone = float(value.intercept.mean())
        best = exact_groups(objective, time_limit=120)
        for sampler in ("moves", "nsga2", "tpe", "random"):
            for warm in (False, True):
                count = trials if sampler != "tpe" else trials // 4
                begun = time.process_time()
                found = search_groups(
                    objective,
                    trials=count,
                    sampler=sampler,
                    seed=1,
                    warm_start=None if warm else (),
                ).best
                speed = count / (time.process_time() - begun)
                lack = best.bound - found.value
                print(
                    f"| {name} | {sampler} ({count}) | {'yes' if warm else 'no'} "
                    f"| {100 * lack / abs(found.value):.3f} "
                    f"| {100 * lack / (best.bound - alone):.2f} "
                    f"| {speed:.0f} |",
                    flush=True,
                )
        local = greedy_groups(objective, seed=0).value
        print(
            f"| {name} | local search, 10 starts | – | {100 * (best.bound - local) / local:.3f} "
            f"| {100 * (best.bound - local) / (best.bound - alone):.2f} | – |",
            flush=True,
        )


def affinity() -> None:
    """Print the proofs of affinity grouping at 10 and 20 tasks."""
    print("| tasks | groups | value | proven | CPU s |")
    print("|---|---|---|---|---|")
    for n_tasks in (10, 15, 20):
        rng = np.random.default_rng(n_tasks)
        value = AffinityValue(rng.normal(size=(n_tasks, n_tasks)), rng.normal(size=n_tasks))
        for n_groups in (2, 3, 5, n_tasks // 2):
            begun = time.process_time()
            found = exact_groups(Objective(value, Constraints(n_groups)))
            seconds = time.process_time() - begun
            proven = "yes" if found.is_optimal else f"within {100 * found.gap:.2g} %"
            print(
                f"| {n_tasks} | {n_groups} | {found.value:.4f} | {proven} | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    table, *seconds = sys.argv[1:]
    tables = {"exact": exact, "large": large, "search": search, "affinity": affinity}
    tables[table](*map(float, seconds))
