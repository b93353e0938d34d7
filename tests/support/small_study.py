"""Make a small study on made data with a known transfer structure: `python small_study.py FOLDER`.

Used by the whole runs in the tests and by continuous integration.
"""

import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cotrain.init import make_study

# A trunk of few units, shared by tasks of few labels: there transfer is strong enough for few fits.
MADE: dict[str, Any] = {
    "fetch": {
        "kind": "synthetic",
        "n_examples": 3000,
        "n_tasks": 9,
        "n_clusters": 3,
        "n_features": 64,
        "label_rate": 0.3,
        "noise": 0.5,
        "harmful_tasks": 1,
        "seed": 0,
    },
    "prepare.features": {"kind": "given", "path": None},
    "prepare.split": {"kind": "random"},
}
SMALL: dict[str, Any] = {
    **MADE,
    "learners.network.hidden": [8],
    "learners.network.dropout": 0.0,
    "learners.network.weight_decay": 0.0,  # held back, few labels need no company
    "learners.network.learning_rate": 0.005,
    "learners.network.epochs": 10,
    "learners.network.batch_fraction": 0.02,
    "learners.network.min_batch_size": 16,
    "learners.network.decay_epochs": [10],
    "learners.network.head_bias": "zero",
    "learners.forest.n_trees": 30,
    "plan.train_folds": 3,
    "plan.augmentations.levels": [1, 2],
    "plan.rotate": True,
    "plan.subset_level": 2,
    "plan.subsets.n_subsets": 60,
    "plan.subsets.max_size": 6,
    "plan.subsets.repeats": 2,
    "plan.augmentations.repeats": 2,
    "plan.affinity.repeats": 2,
    "group.max_groups": 4,  # the three clusters, and the harmful task by itself
    "group.trials": 100,
    "validate.repeats": 6,
    "validate.random_groupings": 3,
}


def make_small_study(folder: Path) -> Path:
    """Return `folder`, made a study with the settings of SMALL."""
    make_study(folder)
    change_params(folder, SMALL)
    return folder


def change_params(folder: Path, changes: dict[str, Any]) -> None:
    """Set keys of a study's params.yaml, named with dots."""
    yaml = YAML(typ="safe")  # The other loader keeps comments, and where, for lists now gone.
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    path = folder / "params.yaml"
    params = yaml.load(path.read_text(encoding="utf-8"))
    for name, value in deepcopy(changes).items():  # or a later change would reach into SMALL
        *sections, key = name.split(".")
        section = params
        for part in sections:
            section = section[part]
        section[key] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


if __name__ == "__main__":
    print(make_small_study(Path(sys.argv[1])))  # noqa: T201
