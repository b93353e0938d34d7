"""Four robot tasks, one policy: alone, all together, PCGrad and IT-MTL, by the same experience.

    python control.py OUT --seeds 5

Each training is one file in OUT, written whole, so that a stopped run goes on where it was. Prints
the tables of docs/results/control.md.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from robots import N_ACTIONS, N_OBSERVED, TASKS, Robots, Step
from scipy.stats import t as student
from torch import Tensor, nn

from cotrain.files import write_json
from cotrain.gradients import ITMTL

METHODS = ("single", "together", "pcgrad", "itmtl")
N_ROLLOUTS = 20
N_STEPS = 240  # actions of each task a rollout: eight episodes
N_EPOCHS, BATCH = 20, 60
RATE, DISCOUNT, TRACE, CLIP, VALUE = 2e-3, 0.97, 0.95, 0.2, 0.5


@dataclass(frozen=True, eq=False)
class Batch:
    """Experience of K tasks, each tensor (K, n, ...)."""

    observed: Tensor
    action: Tensor
    log_prob: Tensor
    advantage: Tensor
    goal: Tensor  # what the value is to be

    def rows(self, places: Tensor) -> "Batch":
        return Batch(*(part[:, places] for part in vars(self).values()))


class Policy(nn.Module):
    """A trunk that all tasks share; a head a task for the mean action and the value."""

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(N_OBSERVED, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()
        )
        scale = torch.tensor([0.01] * N_ACTIONS + [0.1])
        self.weight = nn.Parameter(torch.randn(n_tasks, 64, N_ACTIONS + 1) * scale)
        self.bias = nn.Parameter(torch.zeros(n_tasks, 1, N_ACTIONS + 1))
        self.log_deviation = nn.Parameter(torch.full((n_tasks, 1, N_ACTIONS), -0.5))

    def forward(self, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Mean actions (K, n, 4) and values (K, n) of what each task sees, (K, n, 39)."""
        out = self.trunk(observed) @ self.weight + self.bias
        return out[..., :-1], out[..., -1]

    def log_prob(self, mean: Tensor, action: Tensor) -> Tensor:
        scaled = (action - mean) / self.log_deviation.exp()
        return -(0.5 * scaled**2 + self.log_deviation).sum(-1)


class Scale:
    """Running mean and deviation of what each task sees."""

    def __init__(self, n_tasks: int) -> None:
        self.n, self.mean = 1e-4, np.zeros((n_tasks, N_OBSERVED))
        self.square = 1e-4 * np.ones((n_tasks, N_OBSERVED))

    def add(self, observed: np.ndarray) -> None:
        """Take note of what was seen, (n, K, 39)."""
        n, total = len(observed), self.n + len(observed)
        gap = observed.mean(0) - self.mean
        self.square += observed.var(0) * n + gap**2 * self.n * n / total
        self.mean += gap * n / total
        self.n = total

    def __call__(self, observed: np.ndarray) -> np.ndarray:
        deviation = np.sqrt(self.square / self.n) + 1e-2
        return np.clip((observed - self.mean) / deviation, -5, 5).astype(np.float32)


class Trainer:
    """Proximal policy optimisation (arXiv 1707.06347), one loss a task."""

    def __init__(self, method: str, tasks: tuple[str, ...], seed: int) -> None:
        torch.manual_seed(seed)
        self.random = torch.Generator().manual_seed(seed)
        self.robots, self.scale = Robots(tasks, seed), Scale(len(tasks))
        self.policy = Policy(len(tasks))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=RATE)
        self.method = method
        self.itmtl = None
        if method in ("pcgrad", "itmtl"):
            candidates = ["pcgrad"] if method == "pcgrad" else ["mean", "pcgrad", "leave_one_out"]
            self.itmtl = ITMTL(
                self.policy,
                self.losses,
                self.policy.trunk.parameters(),
                self.optimizer,
                candidates=candidates,
                seed=seed,
                gain="difference",
            )
        self.seen = self.robots.reset()
        self.total = np.zeros(len(tasks))

    def losses(self, batch: Batch) -> Tensor:
        """The loss of each task, (K,)."""
        mean, value = self.policy(batch.observed)
        ratio = (self.policy.log_prob(mean, batch.action) - batch.log_prob).exp()
        clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
        gain = torch.minimum(ratio * batch.advantage, clipped * batch.advantage).mean(1)
        missed = ((value - batch.goal) ** 2).mean(1)
        return VALUE * missed - gain

    def rollout(self) -> tuple[Batch, dict[str, list[float]]]:
        """Experience, and the mean return and success of the episodes that ended, by task."""
        shown, actions, log_probs, values, steps = [], [], [], [], []
        returns, successes = [], []
        for _ in range(N_STEPS):
            shown.append(self.seen)
            with torch.no_grad():
                mean, value = self.policy(self._tensor(self.seen))
                noise = torch.randn(mean.shape, generator=self.random)
                action = mean + noise * self.policy.log_deviation.exp()
                log_probs.append(self.policy.log_prob(mean, action)[:, 0])
            actions.append(action[:, 0])
            values.append(value[:, 0])
            step = self.robots.step(action[:, 0].numpy())
            steps.append(step)
            self.total += step.reward
            self.seen = step.observed
            if step.over.all():
                returns.append(self.total.copy())
                successes.append(step.succeeded.astype(float))
                self.total[:] = 0
        told = {
            "return": np.mean(returns, axis=0).tolist(),
            "success": np.mean(successes, axis=0).tolist(),
        }
        observed = torch.cat([self._tensor(seen) for seen in shown], dim=1)
        self.scale.add(np.stack(shown))
        advantage, goal = self._advantages(steps, torch.stack(values, dim=1))
        advantage = (advantage - advantage.mean(1, keepdim=True)) / (
            advantage.std(1, keepdim=True) + 1e-6
        )
        parts = torch.stack(actions, dim=1), torch.stack(log_probs, dim=1)
        return Batch(observed, *parts, advantage, goal), told

    def learn(self, batch: Batch) -> None:
        for _ in range(N_EPOCHS):
            for places in torch.randperm(N_STEPS, generator=self.random).split(BATCH):
                part = batch.rows(places)
                self.optimizer.zero_grad()
                if self.itmtl is None:
                    self.losses(part).mean().backward()
                else:
                    self.itmtl.backward(part)
                nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
                self.optimizer.step()

    def _tensor(self, seen: np.ndarray) -> Tensor:
        return torch.from_numpy(self.scale(seen))[:, None]

    def _advantages(self, steps: list[Step], values: Tensor) -> tuple[Tensor, Tensor]:
        """Generalised advantages (arXiv 1506.02438), and what values are to be, (K, n) each.

        Time is out at the end of an episode, not the task: the value of the last state stands for
        that of the next, which the arm does not see any more.
        """
        reward = torch.from_numpy(np.stack([step.reward for step in steps], axis=1))
        over = torch.from_numpy(np.stack([step.over for step in steps], axis=1))
        following = torch.cat([values[:, 1:], values[:, -1:]], dim=1)
        following = torch.where(over, values, following)
        surprise = reward + DISCOUNT * following - values
        advantage, later = torch.zeros_like(values), torch.zeros(len(values))
        for at in reversed(range(values.shape[1])):
            later = surprise[:, at] + DISCOUNT * TRACE * later * ~over[:, at]
            advantage[:, at] = later
        return advantage, advantage + values


def trained(method: str, seed: int, out: Path) -> dict:
    """The course of one training, from its file if it is there."""
    path = out / f"{method}-{seed}.json"
    if path.exists():
        return json.loads(path.read_text())
    groups = [(task,) for task in TASKS] if method == "single" else [TASKS]
    courses = [course_of(method, group, seed) for group in groups]
    result = {
        "method": method,
        "seed": seed,
        # By rollout and task.
        "return": np.concatenate([course["return"] for course in courses], axis=1).tolist(),
        "success": np.concatenate([course["success"] for course in courses], axis=1).tolist(),
        "acting": sum(course["acting"] for course in courses),
        "learning": sum(course["learning"] for course in courses),
        "chosen": courses[0]["chosen"],
    }
    write_json(path, result)
    return result


def course_of(method: str, tasks: tuple[str, ...], seed: int) -> dict:
    """Returns and successes by rollout and task, seconds spent, and what IT-MTL chose."""
    trainer = Trainer(method, tasks, seed)
    found: dict = {"return": [], "success": [], "acting": 0.0, "learning": 0.0}
    for _ in range(N_ROLLOUTS):
        start = time.process_time()
        batch, told = trainer.rollout()
        acted = time.process_time()
        trainer.learn(batch)
        found["acting"] += acted - start
        found["learning"] += time.process_time() - acted
        for name, values in told.items():
            found[name].append(values)
    return found | {"chosen": dict(trainer.itmtl.counts_) if trainer.itmtl else {}}


def measures(result: dict) -> dict[str, float]:
    """One number a measure: means over tasks, and the late successes of each task."""
    returns, successes = (np.array(result[name]) for name in ("return", "success"))
    late = slice(-N_ROLLOUTS // 4, None)
    return {
        "return, whole course": returns.mean(),
        "return, last quarter": returns[late].mean(),
        "success, whole course": successes.mean(),
        "success, last quarter": successes[late].mean(),
        **{f"{task}, last quarter": successes[late, k].mean() for k, task in enumerate(TASKS)},
    }


def table(results: dict[str, list[dict]], rival: str) -> pd.DataFrame:
    """Means over seeds, and the paired difference to a rival with its 95 % interval."""
    values = {m: pd.DataFrame([measures(one) for one in found]) for m, found in results.items()}
    rows = []
    for name in values[rival].columns:
        row = {"": name}
        for method, found in values.items():
            row[method] = f"{found[name].mean():.3f}"
            if method != rival:
                row[method] += f" ({interval(found[name] - values[rival][name])})"
        rows.append(row)
    return pd.DataFrame(rows)


def interval(differences: pd.Series) -> str:
    n = len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return f"{differences.mean():+.3f} ± {half:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, list[dict]] = {method: [] for method in METHODS}
    for seed in range(arguments.seeds):
        for method in METHODS:
            results[method].append(trained(method, seed, arguments.out))
            print(method, seed, "is trained", flush=True)
    for rival in ("together", "single"):
        print(f"\nDifferences to {rival}\n\n{table(results, rival).to_markdown(index=False)}")
    seconds = {
        method: {part: np.mean([one[part] for one in found]) for part in ("acting", "learning")}
        for method, found in results.items()
    }
    print(f"\nSeconds a training\n\n{pd.DataFrame(seconds).T.round(1).to_markdown()}")
    chosen = pd.DataFrame([one["chosen"] for one in results["itmtl"]]).fillna(0).sum()
    print("\nIT-MTL chose, share of steps:", (chosen / chosen.sum()).round(3).to_dict())


if __name__ == "__main__":
    main()
