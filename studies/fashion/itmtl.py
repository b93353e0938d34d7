"""MultiFashion as in the paper, two tasks of ten classes: IT-MTL and its rivals at equal time.

    python itmtl.py fashion_mnist.npz CACHE

Finished trainings stay in CACHE, one file each, written whole, so that a stopped run goes on where
it was. Prints tables of docs/results/images.md.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from overlay import overlaid
from scipy.stats import t as student
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from trunk import convolutions

from cotrain.files import write_json
from cotrain.gradients import ITMTL, UncertaintyWeighting

SIDES = ("left", "right")
CANDIDATES = {"pcgrad": ["pcgrad"], "itmtl": ["mean", "pcgrad", "leave_one_out"]}
METHODS = ("single", "plain", "pcgrad", "uncertainty", "itmtl")
RATES = (0.03, 0.1, 0.2)
BATCH, N_STEPS = 64, 1200  # steps of plain training
TUNING_SEED, SEEDS = 100, range(5)


@dataclass(frozen=True)
class Pairs:
    """Images (n, 1, 36, 36) of two pieces, and the class of each, (n, 2)."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Run:
    """One training: of both tasks, or of each alone with half of the steps."""

    method: str
    seed: int
    rate: float
    n_steps: int


def parts_of(file: Path) -> list[Pairs]:
    """Pairs for training, validation and test; no piece is in two of them."""
    with np.load(file) as stored:
        images, labels, test = stored["images"], stored["labels"], stored["test"]
    known = np.random.default_rng(0).permutation(np.flatnonzero(test == 0))
    pieces = (known[: len(known) * 5 // 6], known[len(known) * 5 // 6 :], np.flatnonzero(test))
    found = []
    for seed, (part, n) in enumerate(zip(pieces, (16_000, 3_000, 5_000), strict=True)):
        left, right = np.random.default_rng(seed).choice(part, (2, n))
        x = torch.from_numpy(overlaid(images[left], images[right]))[:, None] / 255
        y = np.stack([labels[left], labels[right]], axis=1).astype(np.int64)
        found.append(Pairs(x, torch.from_numpy(y)))
    return found


class Trainer:
    """Trains step by step; the same seed starts and feeds all methods alike."""

    def __init__(self, run: Run, train: Pairs, sides: tuple[int, ...] = (0, 1)) -> None:
        torch.manual_seed(run.seed)
        self.sides, self.train, self.method = sides, train, run.method
        trunk = convolutions(tuple(train.x.shape[1:]), run.seed)
        trunk(train.x[:2])
        self.model = nn.ModuleDict({"trunk": trunk, "heads": nn.Linear(64, 10 * len(SIDES))})
        self.order = torch.Generator().manual_seed(run.seed)
        self.uncertainty = UncertaintyWeighting(len(sides))
        parameters = [*self.model.parameters()]
        if run.method == "uncertainty":
            parameters += [*self.uncertainty.parameters()]
        self.optimizer = torch.optim.SGD(parameters, lr=run.rate, momentum=0.9)
        self.itmtl = None
        if run.method in CANDIDATES:
            self.itmtl = ITMTL(
                self.model, self.losses, trunk.parameters(), self.optimizer,
                candidates=CANDIDATES[run.method], seed=run.seed,
            )  # fmt: skip

    def outputs(self, x: Tensor) -> Tensor:
        return self.model["heads"](self.model["trunk"](x)).unflatten(1, (len(SIDES), 10))

    def losses(self, batch: Pairs) -> Tensor:
        out = self.outputs(batch.x)
        return torch.stack([cross_entropy(out[:, k], batch.y[:, k]) for k in self.sides])

    def batch(self) -> Pairs:
        rows = torch.randint(len(self.train.x), (BATCH,), generator=self.order)
        return Pairs(self.train.x[rows], self.train.y[rows])

    def step(self, batch: Pairs) -> None:
        self.optimizer.zero_grad()
        if self.itmtl is not None:
            self.itmtl.backward(batch)
        elif self.method == "uncertainty":
            self.uncertainty(self.losses(batch)).backward()
        else:
            self.losses(batch).mean().backward()
        self.optimizer.step()

    @torch.no_grad()
    def judged(self, part: Pairs) -> dict[str, float]:
        """Accuracy and loss of each side that was trained."""
        out, found = self.outputs(part.x), {}
        for k in self.sides:
            hits = out[:, k].argmax(1) == part.y[:, k]
            found[f"{SIDES[k]} accuracy"] = float(hits.float().mean())
            found[f"{SIDES[k]} loss"] = float(cross_entropy(out[:, k], part.y[:, k]))
        return found


def trained(run: Run, parts: list[Pairs], cache: Path) -> dict:
    """The result of a run, from the cache if it is there."""
    path = cache / f"{run.method}-{run.seed}-{run.rate}-{run.n_steps}.json"
    if path.exists():
        return json.loads(path.read_text())
    train, *others = parts
    groups = ((0,), (1,)) if run.method == "single" else ((0, 1),)
    result: dict = {**asdict(run), "validation": {}, "test": {}, "chosen": {}}
    for group in groups:
        trainer = Trainer(run, train, group)
        for _ in range(run.n_steps // len(groups)):
            trainer.step(trainer.batch())
        for name, part in zip(("validation", "test"), others, strict=True):
            result[name] |= trainer.judged(part)
        if trainer.itmtl is not None:
            result["chosen"] = dict(trainer.itmtl.counts_)
    write_json(path, result)
    return result


def seconds_a_step(parts: list[Pairs], cache: Path, n_rounds: int = 110) -> dict[str, float]:
    """Median seconds of a step, the methods taking turns so that a busy machine slows all alike."""
    path = cache / "seconds.json"
    if path.exists():
        return json.loads(path.read_text())
    trainers = {
        m: Trainer(Run(m, 0, 0.03, 0), parts[0], (0,) if m == "single" else (0, 1)) for m in METHODS
    }
    taken: dict[str, list[float]] = {method: [] for method in METHODS}
    for _ in range(n_rounds):
        for method, trainer in trainers.items():
            batch = trainer.batch()
            start = time.process_time()
            trainer.step(batch)
            taken[method].append(time.process_time() - start)
    seconds = {method: float(np.median(values[10:])) for method, values in taken.items()}
    write_json(path, seconds)
    return seconds


def measured(judged: dict[str, float], what: str) -> float:
    """A side's number, or the mean of both."""
    return judged[what] if what in judged else np.mean([judged[f"{s} {what}"] for s in SIDES])


def table(results: dict[str, list[dict]]) -> pd.DataFrame:
    """Means over seeds on test pairs, and the paired difference to plain with its 95 % interval."""
    rows = []
    for what in ("left accuracy", "right accuracy", "accuracy", "loss"):
        values = {
            m: np.array([measured(one["test"], what) for one in found])
            for m, found in results.items()
        }
        row = {"": what}
        for method in results:
            row[method] = f"{values[method].mean():.4f}"
            if method != "plain":
                row[method] += f" ({interval(values[method] - values['plain'])})"
        rows.append(row)
    return pd.DataFrame(rows)


def interval(differences: np.ndarray) -> str:
    n = len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return f"{differences.mean():+.4f} ± {half:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("cache", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    parts, cache = parts_of(arguments.file), arguments.cache
    seconds = seconds_a_step(parts, cache)
    equal_time = {m: int(N_STEPS * seconds["plain"] / seconds[m]) for m in METHODS}
    # Rates are tuned at equal time, and kept.
    rates = {
        m: max(RATES, key=lambda rate, m=m: validated(m, rate, equal_time[m], parts, cache))
        for m in METHODS
    }
    longer = int(N_STEPS * seconds["itmtl"] / seconds["plain"])
    for title, steps in (
        (f"equal time, that of {N_STEPS} steps of plain", equal_time),
        ("equal steps", dict.fromkeys(METHODS, N_STEPS) | {"single": 2 * N_STEPS}),
        (f"equal time, that of {N_STEPS} steps of IT-MTL", {"plain": longer, "itmtl": N_STEPS}),
    ):
        results = {
            m: [trained(Run(m, seed, rates[m], n), parts, cache) for seed in SEEDS]
            for m, n in steps.items()
        }
        times = {m: f"{1e3 * seconds[m]:.1f}" for m in steps}
        about = pd.DataFrame(
            {"ms a step": times, "steps": steps, "rate": pd.Series(rates)[[*steps]]}
        )
        print(f"\n{title}\n\n{about.T.to_markdown()}")
        print(f"\n{table(results).to_markdown(index=False)}", flush=True)
        chosen = pd.DataFrame([r["chosen"] for r in results["itmtl"]]).fillna(0).sum()
        print("\nIT-MTL chose, share of steps:", (chosen / chosen.sum()).round(3).to_dict())


def validated(method: str, rate: float, n_steps: int, parts: list[Pairs], cache: Path) -> float:
    run = Run(method, TUNING_SEED, rate, n_steps)
    return measured(trained(run, parts, cache)["validation"], "accuracy")


if __name__ == "__main__":
    main()
