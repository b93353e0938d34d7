from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cotrain.allocation._fit import Allocation, Fit, FoldUse, fit_id
from cotrain.allocation._plans import Rotation, by_recipe, learner_name, subset_fit
from cotrain.files import read_parquet, reading, write_parquet

# What of each learner's settings is part of a fit's identity, by the learner's name.
Identities = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Rounds:
    """How a plan goes on after its first subsets: adaptive sampling, by the scores so far."""

    n_subsets: int  # the budget, the first subsets included
    n_round: int  # subsets a round
    # bounds of their sizes
    min_size: int
    max_size: int
    score: str  # what is to be decided on, such as `log_loss`
    fdr: float  # false discovery rate of the verdicts
    seed: int  # seed of the search for subsets


@dataclass(frozen=True)
class Plan:
    """A named list of distinct fits, each under its identity, in the order of the fit table."""

    name: str  # the plan's name, such as `subsets`
    fits: Mapping[str, Fit]  # the fits by their identities
    # how more subsets are chosen once these fits are trained; None: these are all
    rounds: Rounds | None = None

    @classmethod
    def of(
        cls,
        name: str,
        fits: Sequence[Fit],
        data_version: str,
        learners: Identities,
        without: "Sequence[Plan]" = (),
        rounds: Rounds | None = None,
    ) -> "Plan":
        """The plan of `fits`, less those that are planned already, here or in `without`.

        `learners` says what of each learner's settings is part of an identity, by its name.
        """
        planned = {identity for plan in without for identity in plan.fits}
        chosen: dict[str, Fit] = {}
        for fit in fits:
            identity = fit_id(data_version, fit, learners[fit.learner])
            if identity not in planned:
                chosen.setdefault(identity, fit)
        return cls(name, chosen, rounds)

    @property
    def subsets(self) -> list[tuple[int, ...]]:
        """The members of the fits of kind `subset`, each set once, in the order of the plan."""
        return list(
            dict.fromkeys(fit.members for fit in self.fits.values() if fit.kind == "subset")
        )

    def with_subsets(
        self, subsets: Iterable[Sequence[int]], data_version: str, learners: Identities
    ) -> "Plan":
        """The plan with more subsets, at the level and in the repeats of its fits."""
        fits = list(self.fits.values())
        n_tasks, level = fits[0].allocation.n_tasks, fits[0].level
        repeats = dict.fromkeys(Rotation(fit.repeat, fit.folds, fit.seed) for fit in fits)
        added = [
            subset_fit(n_tasks, members, level, rotation)
            for members in subsets
            for rotation in repeats
        ]
        fits += by_recipe(learner_name(fits[0].learner), added)
        return Plan.of(self.name, fits, data_version, learners, rounds=self.rounds)

    def __len__(self) -> int:
        return len(self.fits)

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def save(self, path: Path) -> None:
        """Write the plan as a parquet file, one row a fit."""
        rows = [
            {"fit_id": key, "plan": self.name} | {name: of(fit) for name, of in _COLUMNS.items()}
            for key, fit in self.fits.items()
        ]
        frame = pd.DataFrame(rows, columns=["fit_id", "plan", *_COLUMNS])
        frame = frame.astype({"auxiliary": "Int64", "placebo": "Int64"})
        if self.rounds is not None:
            frame.attrs["rounds"] = asdict(self.rounds)
        write_parquet(path, frame, "plan")

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read a plan that `save` wrote; DataError if the file is missing or is not a plan."""
        expected = path, "plan", "run `cotrain plan`"
        frame = read_parquet(*expected)
        with reading(*expected):
            fits = {str(row["fit_id"]): _fit(row) for row in frame.to_dict("records")}
            rounds = frame.attrs.get("rounds")
            return cls(path.stem, fits, None if rounds is None else Rounds(**rounds))


_COLUMNS: Mapping[str, Callable[[Fit], Any]] = {
    "kind": lambda fit: fit.kind,
    "repeat": lambda fit: fit.repeat,
    "seed": lambda fit: fit.seed,
    "level": lambda fit: fit.level,
    "auxiliary": lambda fit: fit.auxiliary,
    "train": lambda fit: _join(fit.folds.train),
    "validation": lambda fit: _join(fit.folds.validation),
    "test": lambda fit: _join(fit.folds.test),
    "n_tasks": lambda fit: fit.allocation.n_tasks,
    "n_folds": lambda fit: fit.allocation.n_folds,
    "cells": lambda fit: " ".join(f"{i}:{f}" for i, f in sorted(fit.allocation.cells)),
    "task_weights": lambda fit: None if fit.task_weights is None else _join(fit.task_weights),
    "learner": lambda fit: fit.learner,
    "placebo": lambda fit: fit.placebo,
}


def _fit(row: Mapping[Any, Any]) -> Fit:
    weights = row["task_weights"]
    cells = (cell.split(":") for cell in row["cells"].split())
    return Fit(
        allocation=Allocation(
            int(row["n_tasks"]),
            int(row["n_folds"]),
            frozenset((int(task), int(fold)) for task, fold in cells),
        ),
        folds=FoldUse(
            *(tuple(map(int, row[name].split())) for name in ("train", "validation", "test"))
        ),
        seed=int(row["seed"]),
        kind=row["kind"],
        repeat=int(row["repeat"]),
        level=int(row["level"]),
        auxiliary=None if pd.isna(row["auxiliary"]) else int(row["auxiliary"]),
        task_weights=None if pd.isna(weights) else tuple(float(part) for part in weights.split()),
        learner=str(row["learner"]),
        placebo=None if pd.isna(row["placebo"]) else int(row["placebo"]),
    )


def _join(numbers: tuple[float, ...]) -> str:
    return " ".join(map(repr, numbers))
