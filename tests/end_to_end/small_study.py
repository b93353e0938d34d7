"""Make a small study on made data with a known transfer structure: `python small_study.py FOLDER`.

Used by the whole runs in the tests and by continuous integration.
"""

import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cotrain.init import make_study

SMALL: dict[str, Any] = {
    "fetch.source": "synthetic",
    "prepare.split": "random",
    "model.hidden": [32],
    "model.epochs": 10,
    "plan.subsets.n_subsets": 60,
    "plan.subsets.min_size": 2,
    "plan.subsets.max_size": 6,
    "plan.subsets.repeats": 2,
    "plan.augmentations.repeats": 2,
    "group.max_groups": 3,
    "group.trials": 100,
    "validate.repeats": 2,
    "validate.random_groupings": 2,
}


def make_small_study(folder: Path, **changes: Any) -> Path:
    """A study in `folder` with the settings of SMALL and `changes` (`__` for a dot)."""
    make_study(folder)
    change_params(folder, SMALL | {key.replace("__", "."): value for key, value in changes.items()})
    return folder


def change_params(folder: Path, changes: dict[str, Any]) -> None:
    """Set keys of a study's params.yaml, named with dots."""
    yaml = YAML()
    path = folder / "params.yaml"
    params = yaml.load(path.read_text())
    for name, value in changes.items():
        *sections, key = name.split(".")
        section = params
        for part in sections:
            section = section[part]
        section[key] = value
    with path.open("w") as file:
        yaml.dump(params, file)


if __name__ == "__main__":
    print(make_small_study(Path(sys.argv[1])))  # noqa: T201
