"""A study of one's own: a folder with dvc.yaml and params.yaml, under git and DVC."""

import io
import math
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cotrain.exceptions import CotrainError
from cotrain.files import write_text
from cotrain.settings import load_settings

# The pipeline is not called dvc.yaml there, or DVC would take the folder for a study.
_TEMPLATES = files("cotrain") / "templates"
# Three tasks make three pairs: too few subsets to fit surrogates to some and judge them on others.
_MIN_TASKS = 4


def make_study(folder: Path, csv: Path | None = None, smiles: str | None = None) -> str:
    """Make a study in `folder`, on the user's `csv` if one is given; returns what to do next.

    Raises
    ------
    CotrainError
        If the folder holds a study already, the CSV file or its SMILES column is not what it must
        be, or git or DVC cannot be set up.
    """
    for name in ("dvc.yaml", "params.yaml"):
        if (folder / name).exists():
            raise CotrainError(f"{folder / name}: exists already; choose another folder")
    yaml = YAML()  # The round-trip loader keeps the comments.
    yaml.width = 100
    params = yaml.load(_template("params.yaml"))
    pipeline = yaml.load(_template("pipeline.yaml"))
    if csv is not None:
        _use_csv(params, pipeline, folder, csv, smiles)
    elif smiles is not None:
        raise CotrainError("--smiles names a column of --csv: give the file as well")
    write_text(folder / "params.yaml", _dump(yaml, params))
    write_text(folder / "dvc.yaml", _dump(yaml, pipeline))
    for name in ("gitignore", "dvcignore"):
        write_text(folder / f".{name}", _template(name))
    load_settings(folder / "params.yaml")
    _set_up_repositories(folder)
    return f"made a study; next: read {folder / 'params.yaml'}, then: cd {folder} && dvc repro"


def _use_csv(params: Any, pipeline: Any, folder: Path, csv: Path, smiles: str | None) -> None:
    from cotrain.sources import inspect_csv

    found = inspect_csv(csv, smiles)
    path = os.path.relpath(csv.resolve(), folder.resolve())
    params["fetch"]["source"] = "csv"
    params["fetch"]["csv"] = {
        "path": Path(path).as_posix(),
        "layout": "wide",
        "smiles": found.smiles,
        "example": None,
        "tasks": list(found.tasks),
        "task": None,
        "value": None,
    }
    params["prepare"]["label"]["kind"] = "binary" if found.is_binary else "real"
    _fit_to_tasks(params, len(found.tasks))
    if not found.is_binary:
        params["analyze"]["score"] = "mse"
        params["analyze"]["curve_score"] = "r2"
    pipeline["stages"]["fetch"]["deps"] = [Path(path).as_posix()]


def _fit_to_tasks(params: Any, n_tasks: int) -> None:
    """Make plan and grouping no larger than so many tasks allow."""
    if n_tasks < _MIN_TASKS:
        raise CotrainError(
            f"a study needs at least {_MIN_TASKS} tasks, got {n_tasks}: fewer have too few subsets "
            "to learn from some and to judge on others; add columns of numbers"
        )
    subsets = params["plan"]["subsets"]
    subsets["max_size"] = min(subsets["max_size"], n_tasks - 1)
    sizes = range(subsets["min_size"], subsets["max_size"] + 1)
    possible = sum(math.comb(n_tasks, size) for size in sizes)
    subsets["n_subsets"] = min(subsets["n_subsets"], possible)
    params["group"]["max_groups"] = min(params["group"]["max_groups"], n_tasks)


def _set_up_repositories(folder: Path) -> None:
    """Git and DVC, where the folder is not yet in such a repository."""
    if not _succeeds(["git", "rev-parse", "--is-inside-work-tree"], folder):
        _run(["git", "init", "--quiet"], folder)
    dvc = [sys.executable, "-m", "dvc"]
    if not _succeeds([*dvc, "root"], folder):
        is_git_root = (folder / ".git").exists()
        _run([*dvc, "init", "--quiet", *([] if is_git_root else ["--subdir"])], folder)
        for key in ("core.analytics", "core.check_update"):
            _run([*dvc, "config", key, "false"], folder)


def _succeeds(command: list[str], folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    except FileNotFoundError as error:
        raise CotrainError(f"{command[0]}: not found; install it and try again") from error


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())
        raise CotrainError(f"{folder}: `{' '.join(command)}` failed: {reason}")


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _dump(yaml: YAML, value: Any) -> str:
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()
