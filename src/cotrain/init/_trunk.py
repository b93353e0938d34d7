"""A trunk of the user's own as the learner that transfer is measured with, and a plan in its time.

Its fits may take seconds or minutes each.
"""

import ast
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from cotrain.allocation import WAYS
from cotrain.exceptions import CotrainError
from cotrain.features._given import read_features
from cotrain.features._images import read_images
from cotrain.files import write_text
from cotrain.settings import Settings
from cotrain.stages._learners import made
from cotrain.stages.plan import foreseen_minutes
from cotrain.tasks import TaskKind, TaskTable
from cotrain.training import Learners
from cotrain.words import listing

# Half the time of the learner's defaults, and as good (docs/learners.md).
_RECIPE = {"epochs": 10, "decay_epochs": [7], "learning_rate": 0.003}
# The stages that train, or name fits by what trains them.
_STAGES = ("tune", "plan", "train", "affinity", "validate")
# What training is to take at most, and by how many workers; the other stages take minutes too.
_MINUTES, _WORKERS = 12, 2
# What is given up for it, one after the other: what tells least for its time comes first.
_SAVINGS: tuple[tuple[str, Any], ...] = (
    ("validate.random_groupings", 1),
    ("plan.placebo.repeats", 1),
    ("plan.subsets.n_subsets", 40),
    ("plan.augmentations.sources", "none"),
    ("plan.subsets.n_subsets", 20),
    ("validate.refit", False),
    ("plan.augmentations.repeats", 1),
    ("validate.repeats", 2),
)


def use_trunk(params: Any, pipeline: Any, place: Path, wanted: str) -> str:
    """Put the trunk in the network's place, and its file beside the study's.

    Returns
    -------
    str
        The name of the file.

    Raises
    ------
    CotrainError
        If there is no such file or nothing of the name in it.
    """
    path, _, name = wanted.rpartition(":")
    file = Path(path)
    if not re.fullmatch(r"[A-Za-z_]\w*\.py", file.name) or not name.isidentifier():
        raise CotrainError(f"--trunk must be like trunk.py:factory, got {wanted!r}")
    try:
        code = file.read_text(encoding="utf-8")
        defined = _names(ast.parse(code))
    except (OSError, ValueError, SyntaxError) as error:
        raise CotrainError(f"--trunk: {file}: cannot be read ({error}); correct it") from error
    if name not in defined:
        raise CotrainError(
            f"--trunk: {file} has no `{name}`, but {', '.join(sorted(defined)) or 'nothing'}"
        )
    if not (place / file.name).exists():
        write_text(place / file.name, code)
    learners = params["learners"]
    del learners["network"]
    learners.insert(0, "own", {"kind": "module", "trunk": f"{file.stem}:{name}"} | _RECIPE)
    params["plan"]["learner"] = "own"
    for stage in _STAGES:
        pipeline["stages"][stage]["deps"].append(file.name)
    return file.name


def _names(code: ast.Module) -> set[str]:
    """What a module defines or imports at its top."""
    found: set[str] = set()
    for node in code.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def fit_time(params: Any, trunk: Path, features: Path, n_labels: Sequence[int]) -> str:
    """Make the plan smaller until by the cost model all fits take 12 minutes of two cores.

    `features` is the file of the examples' features, `n_labels` are those of each task. Returns
    what the trunk costs, and what was given up.

    Raises
    ------
    CotrainError
        If no trunk can be made for such features.
    """
    table = _stand_in(params, features, n_labels)
    with _found(trunk):
        minutes, given_up = _minutes(params, table), []
        for key, value in _SAVINGS:
            if minutes <= _MINUTES:
                break
            *place, name = key.split(".")
            section = reduce(getitem, place, params)
            if isinstance(value, int) and section[name] <= value:
                continue
            section[name] = value
            given_up.append(key)
            minutes = _minutes(params, table)
    said = f"training will take about {math.ceil(minutes)} min by {_WORKERS} workers"
    if given_up:
        names = [f"`{key}`" for key in dict.fromkeys(given_up)]
        said += f", for which less is planned by {listing(names, 3)}"
    if minutes > _MINUTES:
        said += "; a smaller trunk or fewer `epochs` take less"
    return said


def _minutes(params: Any, table: TaskTable) -> float:
    settings = Settings.model_validate(params)
    train = settings.train.model_copy(update={"workers": _WORKERS})
    learners = Learners()
    for name, section in settings.learners.items():
        one = made("--trunk", section)
        learners.update({f"{name}/{way}": one for way in WAYS})
    return foreseen_minutes(settings.model_copy(update={"train": train}), table, learners)


def _stand_in(params: Any, file: Path, n_labels: Sequence[int]) -> TaskTable:
    """A table as large as that of the study, with its features and made labels."""
    wanted = params["prepare"]["features"]
    read = read_images if wanted["kind"] == "images" else read_features
    found, _ = read(file, wanted["array"], wanted["id"])
    n, n_tasks, n_folds = found.shape[0], len(n_labels), params["prepare"]["n_folds"]
    # Where tasks are groups of rows each has its own.
    starts = np.cumsum([0, *n_labels[:-1]]) if sum(n_labels) <= n else np.zeros(n_tasks, int)
    known = [np.arange(at, min(at + many, n)) for at, many in zip(starts, n_labels, strict=True)]
    rows = np.concatenate(known)
    tasks = np.repeat(np.arange(n_tasks), [own.size for own in known])
    labels = csr_array(((rows % 2).astype(np.float32), (rows, tasks)), shape=(n, n_tasks))
    kind: TaskKind = "binary"
    return TaskTable(
        features=np.ones(found.shape, np.float32) if isinstance(found, np.ndarray) else found,
        labels=labels,
        folds=np.arange(n) % n_folds,
        tasks=tuple(map(str, range(n_tasks))),
        kinds=(kind,) * n_tasks,
        examples=tuple(map(str, range(n))),
        n_folds=n_folds,
    )


@contextmanager
def _found(trunk: Path) -> Iterator[None]:
    """The trunk's module can be imported by its name, as it will be in the study's folder."""
    folder, before = str(trunk.parent.resolve()), set(sys.modules)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        if trunk.stem not in before:  # a later study may have another of this name
            sys.modules.pop(trunk.stem, None)
