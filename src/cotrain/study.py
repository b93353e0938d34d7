"""A study: a folder with dvc.yaml and params.yaml. The one place that knows what lies where."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` would wait for it longer than for all else
    from cotrain.settings import Settings


def _at(place: str) -> "cached_property[Path]":
    return cached_property(lambda study: study.folder / place)


@dataclass(frozen=True)
class Study:
    """The paths of a study, all from its folder."""

    folder: Path

    @cached_property
    def settings(self) -> "Settings":
        from cotrain.settings import load_settings

        return load_settings(self.folder / "params.yaml")

    raw = _at("data/raw")  # what `fetch` writes: records, inputs, values, the source's features
    table = _at("data/tasks.npz")  # the task table
    prepared = _at("data/prepared")  # what `prepare` has to tell: rejects, excluded tasks, counts
    recipes = _at("data/recipes/recipes.json")  # what `tune` found, by learner and way of training
    affinity = _at("data/affinity")  # what `affinity` records, a file a repeat
    analysis = _at("data/analysis")
    grouping = _at("data/grouping")
    validation = _at("data/validation")  # what `validate` writes beside its fit table
    reports = _at("reports")

    def plan(self, name: str) -> Path:
        return self.folder / "data" / "plans" / f"{name}.parquet"

    def fits(self, name: str) -> Path:
        return self.folder / "data" / "fits" / f"{name}.parquet"

    @property
    def home(self) -> Path:
        """The folder that outlives experiments: `dvc exp` works in copies below `.dvc/tmp`."""
        parts = self.folder.resolve().parts
        for at, part in enumerate(parts):
            if part == ".dvc" and parts[at + 1 : at + 2] == ("tmp",):
                return Path(*parts[:at])
        return self.folder.resolve()

    @property
    def journal(self) -> Path:
        """Finished fits, one file each, kept outside DVC's outputs so that a kill loses none."""
        return self.home / ".cotrain" / "fits"
