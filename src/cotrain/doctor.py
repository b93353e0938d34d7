"""Broken states that a kill, a full disk or a bad copy can leave: found, and mended if wished."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cotrain.study import Study


@dataclass(frozen=True)
class Finding:
    """What is wrong, what mends it, and how."""

    wrong: str
    remedy: str
    mend: Callable[[], object]


def examine(study: Study) -> list[Finding]:
    """All that is found broken in a study. Nothing else may be writing to it."""
    looks = (_database, _journal, _searches, _dvc, _leftovers)
    return [finding for look in looks for finding in look(study)]


def _database(study: Study) -> Iterator[Finding]:
    from cotrain.exceptions import TrackingError
    from cotrain.tracking import Tracker, database_file

    path = database_file(study.home)
    if path is None or not path.is_file():
        return
    try:
        Tracker.open(study.home)  # whatever COTRAIN_TRACKING says
    except TrackingError as error:
        if "cotrain doctor" in str(error):
            yield Finding(
                f"{path}: half made or damaged",
                "it is moved aside; `cotrain restore` fills a new one from the fit tables",
                lambda: _set_aside(path),
            )


def _journal(study: Study) -> Iterator[Finding]:
    from cotrain.training import Journal

    for path in Journal(study.journal).damaged():
        remedy = "it is removed, and its fit trained again"
        yield Finding(f"{path}: damaged", remedy, partial(_remove, path))


def _searches(study: Study) -> Iterator[Finding]:
    for path in sorted((study.home / ".cotrain").rglob("*.log")):
        if path.is_dir() or not all(map(_is_json, path.read_bytes().splitlines())):
            remedy = "it is removed, and the search repeated"
            yield Finding(f"{path}: damaged", remedy, partial(_remove, path))


def _dvc(study: Study) -> Iterator[Finding]:
    from cotrain.settings import read_yaml

    lock = study.folder / "dvc.lock"
    try:
        is_whole = not lock.is_file() or isinstance(read_yaml(lock), dict)
    except ValueError:
        is_whole = False
    if not is_whole:
        yield Finding(
            f"{lock}: cut short or not YAML",
            "it is moved aside; `dvc repro` writes a new one, and trains nothing that is recorded",
            lambda: _set_aside(lock),
        )
    rwlock = study.home / ".dvc" / "tmp" / "rwlock"
    if rwlock.is_file() and not _is_json(rwlock.read_bytes()):
        yield Finding(f"{rwlock}: not JSON", "it is removed", rwlock.unlink)


def remove_leftovers(study: Study) -> None:
    """Remove what killed commands left half written; for whoever holds the study's lock."""
    for finding in _leftovers(study):
        finding.mend()


def _leftovers(study: Study) -> Iterator[Finding]:
    # Parts of mlflow.db are its own lock's to remove.
    found = {path for path in study.home.glob(".*.part*") if not path.name.startswith(".mlflow.db")}
    for folder in (study.home / ".cotrain", study.folder / "data", study.reports):
        found |= set(folder.rglob(".*.part*"))
    for path in sorted(found):
        left = f"{path}: left by a command that was killed"
        whole, old = path.with_name(path.name[1:].rsplit(".", 2)[0]), path / "old"
        if old.exists() and not whole.exists():  # models, on their way to another place
            yield Finding(
                left, f"what it holds is put back to {whole}", partial(_put_back, old, whole)
            )
        else:
            yield Finding(left, "it is removed", partial(_remove, path))


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _put_back(old: Path, whole: Path) -> None:
    old.rename(whole)
    shutil.rmtree(old.parent)


def _set_aside(path: Path) -> None:
    """Rename a file, and the logs of a database with it; nothing is deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    for end in ("-wal", "-shm"):
        log = path.with_name(path.name + end)
        if log.exists():
            log.replace(aside.with_name(aside.name + end))
    path.replace(aside)
