"""Studies made up for the report: tables such as the stages write, of any number of tasks."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from made_tables import put

from cotrain.files import write_json
from cotrain.report import Findings
from cotrain.scores import find_score
from cotrain.tables import TABLES

HOSTILE = (
    "<script>alert('x')</script>",
    'say "hi" & <b>bye</b>',
    "$\\frac{1}$ {{ 7 * 7 }}",
    "NA",
    "a task with a name that goes on and on, as those out of spreadsheets will do " * 2,
    "日本語\nsecond line\u0007",
)


@dataclass(frozen=True)
class Tables:
    """The folders of a made-up study."""

    prepared: Path
    analysis: Path
    grouping: Path
    validation: Path

    def load(self) -> Findings:
        return Findings.load(self.prepared, self.analysis, self.grouping, self.validation)


def write_tables(
    folder: Path,
    n_tasks: int,
    *,
    seed: int = 0,
    n_levels: int = 2,
    names: tuple[str, ...] = (),
    effect: float = 1.0,
    kind: str = "binary",
    n_groups: int | None = None,
    missing: float = 0.0,
    affinity: bool = False,
    labels: bool = False,
    auxiliary: bool = False,
    baselines: tuple[str, ...] = ("single-task", "all together", "random"),
) -> Tables:
    """Write the tables of a study: clusters of tasks that help each other; task 1 harms others.

    `effect` scales the true effects (0: nothing is decided), `missing` is the share of scores lost,
    `labels` adds exchange rates and what more labels bring, `auxiliary` one task to a second group.
    """
    maker = _Maker(n_tasks, seed, n_levels, names, effect, kind, missing)
    tables = Tables(*(folder / name for name in ("prepared", "analysis", "grouping", "validation")))
    for path in (tables.prepared, tables.analysis, tables.grouping, tables.validation):
        path.mkdir(parents=True, exist_ok=True)
    maker.write_prepared(tables.prepared)
    maker.write_analysis(tables.analysis, affinity)
    maker.write_labels(tables.analysis)
    if not labels:
        for name in ("exchange_rates", "next_labels"):
            put(TABLES[name].empty(), tables.analysis, name)
    maker.write_grouping(tables.grouping, n_groups or min(5, max(1, n_tasks // 3)), auxiliary)
    maker.write_validation(tables.validation, baselines)
    return tables


class _Maker:
    def __init__(
        self,
        n_tasks: int,
        seed: int,
        n_levels: int,
        names: tuple[str, ...],
        effect: float,
        kind: str,
        missing: float,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.K = n_tasks
        self.n_levels = n_levels
        self.missing = missing
        self.effect = effect
        self.is_real = kind == "real"
        self.score, self.curve_score = ("mse", "r2") if self.is_real else ("log_loss", "auroc")
        ids = self.rng.choice(9000, n_tasks, replace=False) + 1000
        self.tasks = [*names, *(f"CHEMBL{i}_Ki" for i in ids)][:n_tasks]
        self.clusters = np.arange(n_tasks) % max(1, n_tasks // 4)
        self.sizes = np.sort(self.rng.integers(200, 3000, n_tasks))[::-1]
        same = self.clusters[:, None] == self.clusters
        self.truth = effect * (0.02 * same - 0.004 + 0.006 * self.rng.normal(size=same.shape))
        if n_tasks > 1:
            self.truth[:, 1] -= effect * 0.03
        np.fill_diagonal(self.truth, 0)

    def estimates(self, truth: np.ndarray, se: float) -> pd.DataFrame:
        value = truth + se * self.rng.normal(size=truth.shape)
        lost = self.rng.random(truth.shape) < self.missing
        value = np.where(lost, np.nan, value)
        decided = np.abs(value) > 3 * se if self.effect else np.zeros(truth.shape, dtype=bool)
        verdict = np.where(decided, np.where(value > 0, "helps", "hurts"), "undecided")
        z = np.abs(value) / se
        return pd.DataFrame(
            {
                "value": value,
                "low": value - 1.96 * se,
                "high": value + 1.96 * se,
                "p_value": np.exp(-0.717 * z - 0.416 * z**2),
                "verdict": np.where(lost, "unknown", verdict),
                "withheld": "",
            }
        )

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        target, source = np.nonzero(~np.eye(self.K, dtype=bool))
        return target, source

    def names(self, index: np.ndarray) -> np.ndarray:
        return np.array(self.tasks, dtype=object)[index]

    def write_prepared(self, folder: Path) -> None:
        labels = self.sizes.sum()
        items = {
            "measurements read": labels + 214,
            "rows rejected": 3,
            "measurements rejected": 3,
            "measurements merged into another": 211,
            "pairs with conflicting values": 40,
            "pairs left without a label by a draw": 0,
            "tasks excluded": 1,
            "examples left out with those tasks": 12,
            "tasks": self.K,
            "examples": int(labels * 0.7),
            "labels": labels,
            "positive labels": "" if self.is_real else int(labels * 0.4),
            "scaffold folds": 10,
        }
        pd.DataFrame(items.items(), columns=["item", "count"]).pipe(put, folder, "summary")
        n_labels = np.repeat(self.sizes // 10, 10)
        pd.DataFrame(
            {
                "task": np.repeat(np.array(self.tasks, dtype=object), 10),
                "fold": np.tile(np.arange(10), self.K),
                "n_labels": n_labels,
                "n_positive": "" if self.is_real else (n_labels * 0.4).astype(int),
            }
        ).pipe(put, folder, "fold_counts")
        target, source = self.pairs()
        n_shared = (self.sizes[target] * np.minimum(1, 0.1 * ((target + source) % 12))).astype(int)
        pd.DataFrame(
            {
                "target": self.names(target),
                "source": self.names(source),
                "n_shared": n_shared,
                "share": n_shared / self.sizes[target],
                "group_share": np.sqrt(n_shared / self.sizes[target]),
            }
        ).pipe(put, folder, "overlap")
        pd.DataFrame(
            [("CHEMBL9999", 40, "all labels (40) are positive in the data")],
            columns=["task", "n_labels", "reason"],
        ).pipe(put, folder, "excluded")
        pd.DataFrame(
            [("a.csv", row, f"x{row}", "SMILES cannot be parsed") for row in range(3)],
            columns=["file", "row", "example", "reason"],
        ).pipe(put, folder, "rejects")
        pd.DataFrame(
            {"example": "CCO", "task": self.tasks[0], "n_values": 2, "lowest": 1.0}, index=range(40)
        ).pipe(put, folder, "conflicts")

    def write_analysis(self, folder: Path, affinity: bool) -> None:
        target, source = self.pairs()
        truth = self.truth[target, source]
        gains = self.truth.sum(axis=1) / max(1, self.K**0.5) + self.effect * 0.01
        frame = self.estimates(gains, 0.006).rename(columns={"value": "gain"})
        single = 0.5 + 0.05 * self.rng.normal(size=self.K)
        frame.insert(0, "task", self.tasks)
        frame.insert(1, "single", single)
        frame.insert(2, "together", single - frame["gain"])
        frame.pipe(put, folder, "transfer")

        frame = self.estimates(truth, 0.005).rename(columns={"value": "relevance"})
        frame.insert(0, "target", self.names(target))
        frame.insert(1, "source", self.names(source))
        frame.pipe(put, folder, "relevance")

        reliability = np.clip(0.45 * bool(self.effect) + 0.1 * self.rng.normal(size=self.K), -1, 1)
        ceiling = np.sqrt(np.clip(reliability, 0, 1))
        pd.DataFrame(
            {
                "target": self.tasks,
                "n_subsets": 50,
                "reliability": reliability,
                "spearman": 0.8 * ceiling,
                "ceiling": ceiling,
                "adequacy_p": self.rng.random(self.K),
            }
        ).pipe(put, folder, "surrogates")
        self.write_predictions(folder)
        self.write_pairwise(folder, target, source, truth)
        self.write_curves(folder)
        self.write_overview(folder, reliability, ceiling)
        pd.DataFrame(
            {
                "measure": ["affinity", "surrogate relevance", "statTAG"],
                "n_fits": [2, 800, 200],
                "gflop": [20.5, 8e3, 4e3],
                "seconds": [1.5, 1600.0, 800.0],
            }
        ).pipe(put, folder, "costs")
        for name in ("affinity", "affinity_steps"):
            put(TABLES[name].empty(), folder, name)
        if affinity:
            noise = self.rng.normal(size=truth.size)
            pd.DataFrame(
                {
                    "target": self.names(target),
                    "source": self.names(source),
                    "affinity": truth / 10 + 0.001 * noise,
                    "cosine": np.clip(truth * 10 + 0.1 * noise, -1, 1),
                    "n_steps": 100,
                }
            ).pipe(put, folder, "affinity")
            self.write_affinity_steps(folder, truth.size)

    def write_affinity_steps(self, folder: Path, n_pairs: int) -> None:
        """The last batch of an epoch, at step 50, knows few pairs, and those wildly."""
        step = np.arange(0, 200, 10)
        is_last = step == 50
        spread = np.where(is_last, 1.0, 1e-4 * np.exp(-step / 100))
        normal = {"p05": -1.64, "p25": -0.67, "p50": 0.0, "p75": 0.67, "p95": 1.64}
        pd.DataFrame(
            {
                "step": step,
                **{name: spread * (at + 0.1) for name, at in normal.items()},
                "n_pairs": np.where(is_last, n_pairs // 10, n_pairs),
                "rank_correlation": 0.3 + 0.05 * self.rng.normal(size=step.size),
            }
        ).pipe(put, folder, "affinity_steps")

    def write_predictions(self, folder: Path) -> None:
        rows = []
        for _ in range(50):
            size = min(self.K, int(self.rng.integers(2, 16)))
            members = np.sort(self.rng.choice(self.K, size, replace=False))
            for target in members:
                gain = self.truth[target, members].sum()
                measured = gain + 0.01 * self.rng.normal()
                predicted = 0.8 * gain + 0.005 * self.rng.normal()
                rows.append(
                    (
                        self.tasks[target],
                        " + ".join(self.tasks[m] for m in members),
                        measured,
                        predicted,
                        1 / (1 + np.exp(200 * predicted)),
                        int(measured < 0),
                    )
                )
        names = ["target", "members", "measured", "predicted", "probability", "harmful"]
        frame = pd.DataFrame(rows, columns=names)
        frame.pipe(put, folder, "predictions")
        share = frame["harmful"].mean()
        figures = {
            "surrogate": (0.61, 0.71, 0.42, 0.66),
            "always": (2 * share / (1 + share), 0.5, np.nan, share),
            "never": (0.0, 0.5, np.nan, share),
            "prior-random": (share, 0.5, 0.0, share),
            "majority": (0.0, 0.5, np.nan, share),
            "ceiling": (0.72, 0.8, 0.55, 0.75),
            "affinity": (0.55, 0.6, 0.2, 0.5),
            "cosine": (0.5, 0.55, 0.1, 0.45),
        }
        pd.DataFrame(
            [
                (name, *values, len(frame), int(frame["harmful"].sum()))
                for name, values in figures.items()
            ],
            columns=[
                "predictor",
                "f1",
                "balanced_accuracy",
                "mcc",
                "average_precision",
                "n_subsets",
                "n_harmful",
            ],
        ).pipe(put, folder, "negative_transfer")

    def write_pairwise(
        self, folder: Path, target: np.ndarray, source: np.ndarray, truth: np.ndarray
    ) -> None:
        se = 0.006
        frame = self.estimates(0.5 * truth, se).rename(columns={"value": "effect"})
        frame.insert(0, "target", self.names(target))
        frame.insert(1, "auxiliary", self.names(source))
        needed = np.ceil(3 * (3 * se / frame["effect"].abs()) ** 2).clip(upper=99999)
        frame["repeats_to_decide"] = needed.where(frame["verdict"] == "undecided")
        frame.pipe(put, folder, "pairwise")
        clusters = [self.tasks[:2], self.tasks[2:]] if len(self.tasks) > 4 else []
        frame = self.estimates(np.linspace(0.05, 0.0, len(clusters)), se)
        frame.rename(columns={"value": "effect"}).drop(columns="withheld", errors="ignore").assign(
            tasks=[" + ".join(names) for names in clusters],
            n_tasks=[len(names) for names in clusters],
        ).pipe(put, folder, "clusters")

    def write_curves(self, folder: Path) -> None:
        rows, points = [], []
        for task, name in enumerate(self.tasks):
            c, b, a = 0.9 + 0.02 * self.rng.normal(), -0.9, 4 / self.sizes[task]
            a_others = 0.05 * a * self.rng.normal(0.5)
            at_bound = "c" if task % 11 == 5 else ""
            rows.append((name, "EXP3.1", c, b, a, np.nan, np.nan, 0.01, at_bound))
            rows.append((name, "EXP3.2", c, b, a, a_others, a_others / a, 0.008, at_bound))
            for repeat in range(3):
                for level in range(1, self.n_levels + 1):
                    own = self.sizes[task] // 10 * level
                    others = (self.sizes.sum() - self.sizes[task]) // 10 * level
                    for kind in ("single", "level", "augmentation"):
                        n_own = own + (kind == "augmentation") * self.sizes[task] // 10
                        n_others = 0 if kind == "single" else others
                        fit = c - np.exp(b - a * n_own - a_others * n_others)
                        score = fit + 0.01 * self.rng.normal()
                        if self.rng.random() < self.missing:
                            score = np.nan
                        band = (fit - 0.01, fit + 0.01)
                        points.append(
                            (name, kind, level, repeat, n_own, n_others, score, fit, *band)
                        )
        names = ["task", "form", "c", "b", "a_own", "a_others", "exchange_rate", "error"]
        pd.DataFrame(rows, columns=[*names, "at_bound"]).pipe(put, folder, "curves")
        names = ["task", "kind", "level", "repeat", "n_own", "n_others", "score", "predicted"]
        pd.DataFrame(points, columns=[*names, "low", "high"]).pipe(put, folder, "curve_points")

    def write_overview(self, folder: Path, reliability: np.ndarray, ceiling: np.ndarray) -> None:
        overview = {
            "score": self.score,
            "curve_score": self.curve_score,
            "n_repeats": 3,
            "n_subsets": 200,
            "n_levels": self.n_levels,
            "surrogate": "linear",
            "reliability": {
                "mean": float(reliability.mean()),
                "low": float(reliability.mean() - 0.08),
                "high": float(reliability.mean() + 0.08),
                "repeats_needed": 12 if self.effect else None,
            },
            "spearman": 0.8 * float(ceiling.mean()),
            "ceiling": float(ceiling.mean()),
            "placebo_helps": 1,
            "placebo_hurts": 2,
            "counts": {},
        }
        (folder / "summary.json").write_text(json.dumps(overview))

    def write_labels(self, folder: Path) -> None:
        target, source = self.pairs()
        rates = self.estimates(10 * self.truth[target, source], 0.05)
        rates = rates.rename(columns={"value": "exchange_rate"})
        rates.insert(0, "target", self.names(target))
        rates.insert(1, "source", self.names(source))
        rates.loc[rates["exchange_rate"].isna(), ["low", "high"]] = np.nan
        columns = ["target", "source", "exchange_rate", "low", "high"]
        rates[columns].pipe(put, folder, "exchange_rates")

        gain = self.effect * np.sort(self.rng.normal(0.004, 0.002, self.K))[::-1]
        pd.DataFrame(
            {
                "task": self.tasks,
                "n_labels": self.sizes / 2,
                "gain": gain,
                "low": gain - 0.001,
                "high": gain + 0.001,
                "rank": np.arange(1, self.K + 1),
            }
        ).pipe(put, folder, "next_labels")

    def write_grouping(self, folder: Path, n_groups: int, auxiliary: bool) -> None:
        groups = [self.tasks[start::n_groups] for start in range(n_groups)]
        served_by = {task: at for at, group in enumerate(groups) for task in group}
        if auxiliary:
            groups[1] = [*groups[1], self.tasks[0]]
        is_optimal = self.K <= 30
        (folder / "grouping.json").write_text(
            json.dumps(
                {
                    "data_version": "v",
                    "groups": groups,
                    "served_by": served_by,
                    "predicted": 0.4712,
                    "bound": 0.4712 if is_optimal else 0.4655,
                    "is_optimal": is_optimal,
                    "gap": 0.0 if is_optimal else 0.0121,
                    "score": self.score,
                    "n_trials": 2000,
                    "n_unknown_affinities": 2,
                    "rivals": {},
                }
            )
        )
        value = 0.4712 + 0.03 * np.exp(-np.arange(200) / 30) * self.rng.random(200)
        value[120] = 0.4712
        pd.DataFrame(
            {
                "number": np.arange(200),
                "value": value,
                "n_groups": n_groups,
                "groups": "((0, 1), (2,))",
                "warm_start": np.arange(200) < 4,
            }
        ).pipe(put, folder, "trials")
        n = np.arange(1, max(5, n_groups) + 1)
        predicted = 0.4712 + 0.02 * (1 / n - 1 / n_groups)
        pd.DataFrame({"n_groups": n, "value": predicted}).pipe(put, folder, "front")

    def write_validation(self, folder: Path, baselines: tuple[str, ...]) -> None:
        scores = {self.score: 0.008, self.curve_score: 0.012}
        rows, tasks = [], []
        for score, gain in scores.items():
            mean = 0.46 if score in ("log_loss", "mse") else 0.84
            sign = find_score(score).sign
            rows.append(("recommended", 3, 24_000, 1.25, score, "raw", mean, *[""] * 4, 5))
            for number, grouping in enumerate(baselines):
                gains = self.effect * (
                    gain * (1 - 0.9 * (number == 1)) + gain * self.rng.normal(size=self.K)
                )
                difference, half = gains.mean(), gain * (0.3 + 0.2 * number)
                p = 0.001 if abs(difference) > half else 0.2
                ends = (difference - half, difference + half)
                costs = (1, 12_000.5, 0.5)
                compared = (mean - sign * difference, difference, *ends, p)
                rows.append((grouping, *costs, score, "raw", *compared, 5))
                for name, value in zip(self.tasks, gains, strict=True):
                    se = gain * 0.5
                    tasks.append(
                        (
                            name,
                            grouping,
                            score,
                            "raw",
                            mean - sign * value,
                            value,
                            value - se,
                            value + se,
                        )
                    )
            tasks.extend(
                (name, "recommended", score, "raw", mean, 0.0, "", "") for name in self.tasks
            )
        names = ["grouping", "n_models", "n_labels", "seconds"]
        names += [
            "score",
            "calibration",
            "mean",
            "difference",
            "low",
            "high",
            "p_value",
            "n_repeats",
        ]
        pd.DataFrame(rows, columns=names).pipe(put, folder, "comparison")
        names = ["task", "grouping", "score", "calibration", "mean", "difference", "low", "high"]
        pd.DataFrame(tasks, columns=names).pipe(put, folder, "tasks")
        pd.DataFrame(
            {
                "portfolio": ["base rate", "forest", "ensemble"],
                "n_models": [0, 1, 3],
                "chosen": [False, False, True],
            }
        ).pipe(put, folder, "portfolios")
        models = [{"learner": "network", "members": list(self.tasks), "draw": n} for n in range(3)]
        write_json(
            folder / "portfolio.json", {"data_version": "v", "name": "ensemble", "models": models}
        )
        skill = pd.DataFrame({"task": self.tasks, "skill": 0.3, "p_value": 0.001, "skilled": True})
        skill.loc[0, ["skill", "skilled"]] = [-0.01, False]
        skill.pipe(put, folder, "skill")
        pd.DataFrame({"task": self.tasks, "role": "network", "weight": 0.9}).pipe(
            put, folder, "weights"
        )
