"""A persistent Optuna study: read into memory, searched there, written back."""

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.trial import TrialState

from cotrain.exceptions import CotrainError
from cotrain.files import cut_half_line

DIRECTIONS = ["minimize", "maximize"]
"""Of the number of groups, and of the value."""
_LOCKED_SECONDS = 60
_SEAL, _COUNT = "sha256", "n_trials"


class StoredStudy:
    """A study in memory that continues the one in a storage.

    A search makes hundreds of trials a second; with 30 parameters each, SQLite takes 14. So trials
    are run in memory, and `save` copies those that are new.
    """

    def __init__(self, address: str, name: str, belongs_to: dict[str, Any]) -> None:
        self._address = address
        self._journal: _Journal | None = None
        self._stored = self._open(address, name)
        kept = self._stored.user_attrs
        for key, wanted in belongs_to.items():
            if key not in kept:
                self._stored.set_user_attr(key, wanted)
            elif kept[key] != wanted:
                raise CotrainError(
                    f"{address}: study {name!r} belongs to {key} {kept[key]!r}, "
                    f"not {wanted!r}; choose another study name or storage"
                )
        self.study = optuna.create_study(study_name=name, directions=DIRECTIONS)
        try:
            found = _finished(self._stored)
            is_whole = all(trial.user_attrs.get(_SEAL) == _seal(trial) for trial in found)
            if len(found) < kept.get(_COUNT, 0) or not is_whole:
                raise ValueError("they differ from what was written")
            self.study.add_trials(found)
        except Exception as error:  # of damaged trials Optuna has errors of many kinds
            raise CotrainError(
                f"{address}: the trials of study {name!r} cannot be used ({error}); remove the "
                "file or choose another storage, and search again"
            ) from error
        self._n_stored = len(found)

    def save(self) -> None:
        new = _finished(self.study)[self._n_stored :]
        for trial in new:
            trial.set_user_attr(_SEAL, _seal(trial))
        try:
            self._stored.add_trials(new)
            # Others may add to it at the same time: at least so many must be there from now on.
            self._stored.set_user_attr(_COUNT, len(_finished(self._stored)))
        except Exception as error:  # as when it is opened
            raise CotrainError(
                f"{self._address}: the trials cannot be written ({error.__cause__ or error}); see "
                "to its room or its server, and search again"
            ) from error
        self._n_stored += len(new)
        if self._journal is not None:
            self._journal.write()

    def _open(self, address: str, name: str) -> optuna.Study:
        arguments: dict[str, Any] = {"directions": DIRECTIONS, "load_if_exists": True}
        storage: str | BaseStorage = address
        try:
            if address.endswith(".log"):
                self._journal = _Journal(Path(address))
                storage = JournalStorage(self._journal)
            elif address.startswith("sqlite:///"):
                # Optuna makes its tables without a lock, and waits five seconds for a writer.
                with _alone(Path(address.removeprefix("sqlite:///"))):
                    waiting = {"connect_args": {"timeout": _LOCKED_SECONDS}}
                    storage = RDBStorage(address, engine_kwargs=waiting)
                    return optuna.create_study(study_name=name, storage=storage, **arguments)
            return optuna.create_study(study_name=name, storage=storage, **arguments)
        except Exception as error:  # every backend has its own family of errors
            raise CotrainError(
                f"{address}: cannot be opened as an Optuna storage ({error}); use a path ending "
                "in .log or an address such as sqlite:///study.db; if it is damaged, remove it and "
                "search again"
            ) from error


class _Journal(BaseJournalBackend):
    """Optuna's journal file, read once and appended to in one piece: one wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _alone(path):
            cut_half_line(path)
        self._file = JournalFileBackend(str(path))
        self._logs = list(self._file.read_logs(0))
        self._n_written = len(self._logs)

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return iter(self._logs[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._logs += logs

    def write(self) -> None:
        if len(self._logs) > self._n_written:
            with _alone(self._path):
                self._file.append_logs(self._logs[self._n_written :])
            self._n_written = len(self._logs)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other programs of ours waiting; a lock of the system's, which ends with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _seal(trial: optuna.trial.FrozenTrial) -> str:
    """A digest of what a trial is, for no storage of Optuna's tells a damaged one."""
    attributes = {key: value for key, value in trial.user_attrs.items() if key != _SEAL}
    content = [list(map(float, trial.values)), trial.params, attributes]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's line a trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
