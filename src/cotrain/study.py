"""A study: a folder with dvc.yaml and params.yaml. The one place that knows what lies where."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` would wait for it longer than for all else
    from cotrain.settings import Settings


@dataclass(frozen=True)
class Study:
    """The paths of a study, all from its folder."""

    folder: Path

    @cached_property
    def settings(self) -> "Settings":
        from cotrain.settings import load_settings

        return load_settings(self.folder / "params.yaml")

    @property
    def raw(self) -> Path:
        """What `fetch` writes: measurements.parquet, and features.npz if the source has them."""
        return self.folder / "data" / "raw"

    @property
    def table(self) -> Path:
        """The task table."""
        return self.folder / "data" / "tasks.npz"

    @property
    def prepared(self) -> Path:
        """What `prepare` has to tell: rejects, conflicts, excluded tasks, counts."""
        return self.folder / "data" / "prepared"

    @property
    def recipes(self) -> Path:
        """What `tune` found for each learner and way of training."""
        return self.folder / "data" / "recipes" / "recipes.json"

    def plan(self, name: str) -> Path:
        """The list of fits of one plan."""
        return self.folder / "data" / "plans" / f"{name}.parquet"

    def fits(self, name: str) -> Path:
        """The fit table of one plan."""
        return self.folder / "data" / "fits" / f"{name}.parquet"

    @property
    def affinity(self) -> Path:
        """What `affinity` records, a file a repeat."""
        return self.folder / "data" / "affinity"

    @property
    def analysis(self) -> Path:
        """What `analyze` writes."""
        return self.folder / "data" / "analysis"

    @property
    def grouping(self) -> Path:
        """What `group` writes."""
        return self.folder / "data" / "grouping"

    @property
    def validation(self) -> Path:
        """What `validate` writes beside its fit table."""
        return self.folder / "data" / "validation"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

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
