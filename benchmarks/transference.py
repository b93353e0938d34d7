"""Two overlaid digits, four tasks: plain training, PCGrad, uncertainty weighting and IT-MTL.

    python benchmarks/transference.py --cache .cotrain/transference --figure docs/results

Finished trainings stay in the cache folder, so a run that was stopped goes on where it was. Prints
the tables of docs/results/transference.md and writes its figure.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import t as student
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cotrain.files import whole_file, write_json
from cotrain.gradients import ITMTL, AffinityRecorder, UncertaintyWeighting

TASKS = ("left", "right", "parity", "sum")
CLASSES = (10, 10, 2, 19)
METHODS = ("plain", "pcgrad", "uncertainty", "itmtl")
RATES = (0.05, 0.1, 0.2, 0.3)
BATCH = 32
N_STEPS = 400
TUNING_SEEDS = range(100, 102)
SEEDS = range(10)


@dataclass(frozen=True)
class Run:
    """One training."""

    method: str
    seed: int
    rate: float
    n_steps: int


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 3 * 3, 48),
            nn.ReLU(),
        )
        self.heads = nn.ModuleList([nn.Linear(48, n) for n in CLASSES])

    def forward(self, x: Tensor) -> list[Tensor]:
        z = self.trunk(x)
        return [head(z) for head in self.heads]


@dataclass(frozen=True)
class Overlaid:
    """Images of two digits, the right one lower by 4 pixels and further right by 4 of 8."""

    x: Tensor
    y: Tensor

    @classmethod
    def of(cls, images: np.ndarray, digits: np.ndarray, n: int, seed: int) -> "Overlaid":
        rng = np.random.default_rng(seed)
        left, right = rng.integers(len(images), size=(2, n))
        x = np.zeros((n, 1, 12, 12), np.float32)
        x[:, 0, :8, :8] = images[left]
        np.maximum(x[:, 0, 4:, 4:], images[right], out=x[:, 0, 4:, 4:])
        total = digits[left] + digits[right]
        y = np.stack([digits[left], digits[right], total % 2, total], axis=1)
        return cls(torch.from_numpy(x), torch.from_numpy(y))


def data() -> tuple[Overlaid, Overlaid, Overlaid]:
    """Pairs for training, validation and test; no image of a digit is in two of them."""
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(images))
    parts = np.split(order, [1000, 1350])
    sizes = (6000, 3000, 3000)
    return tuple(
        Overlaid.of(images[part], digits[part], n, seed)
        for seed, (part, n) in enumerate(zip(parts, sizes, strict=True))
    )


def losses_of(model: Net, batch: Overlaid) -> Tensor:
    outputs = model(batch.x)
    return torch.stack([cross_entropy(out, batch.y[:, k]) for k, out in enumerate(outputs)])


class Trainer:
    """Trains step by step by one method; the same seed starts and feeds all methods alike."""

    def __init__(self, run: Run, train: Overlaid) -> None:
        torch.manual_seed(run.seed)
        self.model = Net()
        self.train = train
        self.order = torch.Generator().manual_seed(run.seed)
        self.uncertainty = UncertaintyWeighting(len(TASKS))
        parameters = [*self.model.parameters()]
        if run.method == "uncertainty":
            parameters += [*self.uncertainty.parameters()]
        self.optimizer = torch.optim.SGD(parameters, lr=run.rate, momentum=0.9)
        self.method = run.method
        candidates = ["pcgrad"] if run.method == "pcgrad" else ["mean", "pcgrad", "leave_one_out"]
        self.itmtl = ITMTL(
            self.model,
            self.losses,
            self.model.trunk.parameters(),
            self.optimizer,
            candidates=candidates,
            seed=run.seed,
        )

    def losses(self, batch: Overlaid) -> Tensor:
        return losses_of(self.model, batch)

    def batch(self) -> Overlaid:
        rows = torch.randint(len(self.train.x), (BATCH,), generator=self.order)
        return Overlaid(self.train.x[rows], self.train.y[rows])

    def step(self, batch: Overlaid) -> None:
        self.optimizer.zero_grad()
        if self.method in ("pcgrad", "itmtl"):
            self.itmtl.backward(batch)
        elif self.method == "uncertainty":
            self.uncertainty(self.losses(batch)).backward()
        else:
            self.losses(batch).mean().backward()
        self.optimizer.step()


@torch.no_grad()
def evaluate(model: Net, part: Overlaid) -> dict[str, list[float]]:
    outputs = model(part.x)
    hits = [(out.argmax(1) == part.y[:, k]).float().mean() for k, out in enumerate(outputs)]
    return {"accuracy": [float(h) for h in hits], "loss": losses_of(model, part).tolist()}


def trained(run: Run, cache: Path) -> dict:
    """The result of a run, from the cache if it is there."""
    path = cache / f"{run.method}-{run.seed}-{run.rate}-{run.n_steps}.json"
    if path.exists():
        return json.loads(path.read_text())
    train, validation, test = data()
    trainer = Trainer(run, train)
    for _ in range(run.n_steps):
        trainer.step(trainer.batch())
    result = {
        **asdict(run),
        "validation": evaluate(trainer.model, validation),
        "test": evaluate(trainer.model, test),
        "chosen": dict(trainer.itmtl.counts_),
    }
    write_json(path, result)
    return result


def seconds_a_step(cache: Path, n_rounds: int = 110) -> dict[str, float]:
    """Median seconds of a step, the methods taking turns so that a busy machine slows all alike."""
    path = cache / "seconds.json"
    if path.exists():
        return json.loads(path.read_text())
    train = data()[0]
    trainers = {method: Trainer(Run(method, 0, 0.05, 0), train) for method in METHODS}
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


def tuned_rates(cache: Path) -> dict[str, float]:
    """The learning rate of each method with the best mean validation accuracy on tuning seeds."""
    mean = {
        (method, rate): np.mean(
            [
                trained(Run(method, seed, rate, N_STEPS), cache)["validation"]["accuracy"]
                for seed in TUNING_SEEDS
            ]
        )
        for method in METHODS
        for rate in RATES
    }
    return {method: max(RATES, key=lambda rate: mean[method, rate]) for method in METHODS}


def table(results: dict[str, list[dict]]) -> pd.DataFrame:
    """Mean over seeds, and the paired difference to plain training with its 95 % interval."""
    rows = []
    for what in (*TASKS, "mean accuracy", "mean loss"):
        row: dict[str, str] = {"": what}
        plain = scores(results["plain"], what)
        for method in METHODS:
            values = scores(results[method], what)
            row[method] = f"{values.mean():.4f}"
            if method != "plain":
                row[method] += " (" + interval(values - plain) + ")"
        rows.append(row)
    return pd.DataFrame(rows)


def scores(results: list[dict], what: str) -> np.ndarray:
    """One number a seed."""
    if what in TASKS:
        return np.array([r["test"]["accuracy"][TASKS.index(what)] for r in results])
    return np.array([np.mean(r["test"][what.removeprefix("mean ")]) for r in results])


def interval(differences: np.ndarray) -> str:
    n = len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return f"{differences.mean():+.4f} ± {half:.4f}"


def affinity_over_time(rate: float, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Steps (R,) and affinities (n_seeds, R, K, K) along plain training."""
    path = cache / "affinity.npz"
    if not path.exists():
        train = data()[0]
        histories = []
        for seed in SEEDS:
            trainer = Trainer(Run("plain", seed, rate, N_STEPS), train)
            model = trainer.model
            recorder = AffinityRecorder(
                model, trainer.losses, model.trunk.parameters(), optimizer=trainer.optimizer
            )
            for _ in range(N_STEPS):
                batch = trainer.batch()
                recorder.step(batch)
                trainer.step(batch)
            histories.append(recorder.history_)
        with whole_file(path) as part, part.open("wb") as file:
            np.savez(file, steps=recorder.steps_, history=np.stack(histories))
    with np.load(path) as stored:
        return stored["steps"], stored["history"]


def draw(steps: np.ndarray, history: np.ndarray, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(13, 3), sharex=True, sharey=True)
    for j, axis in enumerate(axes):
        for i, source in enumerate(TASKS):
            if i != j:
                smooth = pd.DataFrame(history[:, :, j, i].T).rolling(5, min_periods=1).mean()
                mean, spread = smooth.mean(axis=1), smooth.std(axis=1)
                axis.plot(steps, mean, label=source, color=f"C{i}")
                axis.fill_between(steps, mean - spread, mean + spread, color=f"C{i}", alpha=0.15)
        axis.axhline(0, color="0.6", lw=0.8)
        axis.set_title(f"onto {TASKS[j]}")
        axis.set_xlabel("step")
        axis.legend(title="from", fontsize=7, title_fontsize=7)
    axes[0].set_ylabel("affinity")
    figure.tight_layout()
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=110, metadata={"Software": None})


def budgets(seconds: dict[str, float]) -> dict[str, dict[str, int]]:
    """The steps that each method may take."""
    time_given = N_STEPS * seconds["plain"]
    return {
        "equal steps": dict.fromkeys(METHODS, N_STEPS),
        f"equal time, that of {N_STEPS} steps of plain": {
            method: int(time_given / seconds[method]) for method in METHODS
        },
    }


def report_affinity(rate: float, arguments: argparse.Namespace) -> None:
    steps, history = affinity_over_time(rate, arguments.cache)
    draw(steps, history, arguments.figure / "transference.png")
    for name, part in (("first tenth", steps < N_STEPS / 10), ("last half", steps >= N_STEPS / 2)):
        mean = pd.DataFrame(history[:, part].mean(axis=(0, 1)), TASKS, TASKS)
        print(f"\naffinity [recipient, source], {name} of the steps\n")
        print(mean.round(4).to_markdown())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--figure", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cache = arguments.cache
    seconds = seconds_a_step(cache)
    rates = tuned_rates(cache)
    print(
        pd.DataFrame(
            {"ms a step": {m: f"{1e3 * s:.1f}" for m, s in seconds.items()}, "learning rate": rates}
        ).to_markdown()
    )
    report_affinity(rates["plain"], arguments)
    for title, steps in budgets(seconds).items():
        results = {
            method: [trained(Run(method, s, rates[method], steps[method]), cache) for s in SEEDS]
            for method in METHODS
        }
        print(f"\n{title}: steps {steps}, {len(SEEDS)} seeds\n", flush=True)
        print(table(results).to_markdown(index=False))
        chosen = pd.DataFrame([r["chosen"] for r in results["itmtl"]]).fillna(0)
        print(
            "\nIT-MTL chose, share of steps:",
            (chosen.sum() / chosen.sum().sum()).round(3).to_dict(),
        )


if __name__ == "__main__":
    main()
