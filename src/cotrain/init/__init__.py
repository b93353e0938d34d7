"""A study of one's own: a folder with dvc.yaml and params.yaml, under git and DVC."""

import glob
import io
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cotrain.exceptions import CotrainError
from cotrain.files import write_text
from cotrain.init._proposal import Proposal, described, propose
from cotrain.init._sizes import choose_learners, fit_plan, fit_recipe, fit_scores
from cotrain.init._trunk import fit_time, use_trunk
from cotrain.init._wishes import Wishes, expand
from cotrain.settings import load_settings
from cotrain.stages._checks import MIN_TASKS
from cotrain.words import listing

__all__ = ["Wishes", "make_study"]

# The pipeline is not called dvc.yaml there, or DVC would take the folder for a study.
_TEMPLATES = files("cotrain") / "templates"
_DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n"
_INSIDE_GIT = ["git", "rev-parse", "--is-inside-work-tree"]


def make_study(folder: Path, csv: Path | None = None, wishes: Wishes | None = None) -> str:
    """Make a study in `folder`, on the user's table `csv` if one is given.

    Returns what each column was taken for, and what to do next. A CotrainError is raised if the
    folder holds a study already, the table is not what it must be, or git or DVC cannot be set up.
    """
    for name in ("dvc.yaml", "params.yaml"):
        if (folder / name).exists():
            raise CotrainError(f"{folder / name}: exists already; choose another folder")
    with _place(folder) as place:
        return _make(place, folder, csv, wishes)


@contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """Where to make the study, which is there whole or not at all once all is done.

    A folder that exists, or lies in a repository, takes the study as it grows.
    """
    above = next((path for path in folder.resolve().parents if path.is_dir()), Path())
    if folder.exists() or _succeeds(_INSIDE_GIT, above):
        yield folder
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(".part", f".{folder.name}.", folder.parent) as part:
            (new := Path(part) / "new").mkdir()
            yield new
            new.rename(folder)
    except OSError as error:
        raise CotrainError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder"
        ) from error


def _make(place: Path, folder: Path, csv: Path | None, wishes: Wishes | None) -> str:
    """Make in `place` the study that will stand in `folder`."""
    yaml = YAML()  # The round-trip loader keeps the comments.
    yaml.width = 100
    params = yaml.load(_template("params.yaml"))
    pipeline = yaml.load(_template("pipeline.yaml"))
    said, trunk = "", []
    if csv is not None:
        found = _use_table(params, pipeline, folder, csv, wishes or Wishes())
        if wishes is not None and wishes.trunk is not None:
            trunk = [use_trunk(params, pipeline, place, wishes.trunk)]
            if (features := found.features.get("path")) is not None:
                file = Path(wishes.trunk.rpartition(":")[0])
                found.notes.append(fit_time(params, file, Path(features), found.n_labels))
        said = described(found)
    elif wishes is not None and wishes != Wishes():
        raise CotrainError("--smiles and the like are about the table of --csv: give it as well")
    write_text(place / "params.yaml", _dump(yaml, params))
    write_text(place / "dvc.yaml", _dump(yaml, pipeline))
    for name in ("gitignore", "dvcignore"):
        write_text(place / f".{name}", _template(name))
    load_settings(place / "params.yaml")
    _set_up_repositories(place, trunk)
    enter = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    return f"{said}made a study; next: read {folder / 'params.yaml'}, then: {enter}dvc repro"


def _use_table(params: Any, pipeline: Any, folder: Path, csv: Path, wishes: Wishes) -> Proposal:
    path = Path(os.path.relpath(os.path.realpath(csv), folder.resolve())).as_posix()
    found = propose(csv, path, wishes)
    if len(found.tasks) < MIN_TASKS:
        raise CotrainError(
            f"{csv}: a study needs at least {MIN_TASKS} tasks, got {len(found.tasks)} "
            f"({', '.join(f'`{name}`' for name in found.tasks)}): name more by --tasks, or give "
            "--layout long, --task-column and --value-column where each row is a measurement"
        )
    primary = expand(wishes.target, found.tasks)
    if unknown := [name for name in primary if name not in found.tasks]:
        raise CotrainError(
            f"{csv}: --target names `{unknown[0]}`, which is no task; the tasks are "
            f"{listing(found.tasks, 8)}"
        )
    if primary:
        params["plan"]["primary"] = list(primary)
    params["fetch"] = found.fetch
    prepare = params["prepare"]
    prepare["labels"].update(found.labels)
    folds = fit_plan(params, found.n_labels, found.n_examples, found.n_rarest, found.split)
    for key, section in (("features", found.features), ("split", folds)):
        if section["kind"] == prepare[key]["kind"]:
            prepare[key].update(section)  # the template's comments stay
        else:
            prepare[key] = dict(section)
    fit_scores(params, set(found.kinds.values()))
    fit_recipe(params, set(found.kinds.values()), found.n_examples)
    choose_learners(params, found.n_labels, found.n_examples, by_groups=bool(wishes.tasks_by))
    pipeline["stages"]["fetch"]["deps"] = [path]
    if (file := found.features.get("path")) is not None:
        given = os.path.relpath(Path(file).resolve(), folder.resolve())
        prepare["features"]["path"] = Path(given).as_posix()
        pipeline["stages"]["prepare"]["deps"].append(Path(given).as_posix())
    return found


def _set_up_repositories(folder: Path, trunk: list[str]) -> None:
    """Git and DVC, where the folder is not yet in such a repository."""
    is_new = not _succeeds(_INSIDE_GIT, folder)
    if is_new:
        _run(["git", "init", "--quiet"], folder)
    # What `dvc init` leaves in a clone; it takes as long as all else here.
    if not any((path / ".dvc").is_dir() for path in (folder.resolve(), *folder.resolve().parents)):
        write_text(folder / ".dvc" / "config", _DVC_CONFIG)
        write_text(folder / ".dvc" / ".gitignore", "/config.local\n/tmp\n/cache\n")
    if is_new:
        # Runs name the commit they were made at, and `git checkout` needs one to go back to. Who
        # has told git no name still gets one.
        who = ["-c", "user.name=cotrain init", "-c", "user.email=cotrain@localhost"]
        known = _succeeds(["git", "config", "user.email"], folder)
        own = ["params.yaml", "dvc.yaml", ".gitignore", ".dvcignore", ".dvc", *trunk]
        _run(["git", "add", *own], folder)  # not what else may lie there
        commit = ["commit", "--quiet", "--no-verify", "--message", "Make a study"]
        _run(["git", "-c", "commit.gpgsign=false", *([] if known else who), *commit], folder)


def _succeeds(command: list[str], folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    except FileNotFoundError as error:
        raise CotrainError(f"{command[0]}: not found; install it and try again") from error


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CotrainError(f"{folder}: `{' '.join(command)}` failed: {done.stderr}")


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _dump(yaml: YAML, value: Any) -> str:
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()
