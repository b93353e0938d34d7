"""A persistent Optuna study that knows which data and rules its trials belong to."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event

from cotrain.exceptions import CotrainError
from cotrain.grouping._explore import Trial
from cotrain.grouping._objective import Objective

_GROUPS, _WARM_START = "groups", "warm_start"


class Storage:
    """Trials of one study of two objectives: fewer groups, and more value.

    A trial has its groups as an attribute and no parameters: a row for each task of each trial
    would make a database ten times slower.
    """

    def __init__(
        self, address: str, study_name: str, data_version: str, objective: Objective
    ) -> None:
        self._study = _open(address, study_name)
        belongs_to = {
            "data_version": data_version,
            "n_tasks": objective.n_tasks,
            "constraints": str(objective.constraints),
        }
        stored = self._study.user_attrs
        for key, wanted in belongs_to.items():
            if key not in stored:
                self._study.set_user_attr(key, wanted)
            elif stored[key] != wanted:
                raise CotrainError(
                    f"{address}: study {study_name!r} belongs to {key} {stored[key]!r}, "
                    f"not {wanted!r}; choose another study name or storage"
                )

    def trials(self) -> list[Trial]:
        """Return the trials, in the order of their numbers."""
        found = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [_trial(trial) for trial in sorted(found, key=lambda trial: trial.number)]

    def add(self, trials: Sequence[Trial]) -> None:
        """Append trials; each is there whole or not at all."""
        for trial in trials:
            self._study.add_trial(
                optuna.create_trial(
                    values=[len(trial.groups), trial.value],
                    user_attrs={_GROUPS: json.dumps(trial.groups), _WARM_START: trial.warm_start},
                )
            )


def _trial(stored: FrozenTrial) -> Trial:
    groups = tuple(tuple(group) for group in json.loads(stored.user_attrs[_GROUPS]))
    return Trial(float(stored.values[1]), groups, bool(stored.user_attrs[_WARM_START]))


def _open(address: str, study_name: str) -> optuna.Study:
    try:
        with quiet():
            return optuna.create_study(
                study_name=study_name,
                storage=_backend(address),
                directions=["minimize", "maximize"],
                load_if_exists=True,
            )
    except Exception as error:  # every backend has its own family of errors
        reason = " ".join(str(error).split())
        raise CotrainError(
            f"{address}: cannot be opened as an Optuna storage ({reason}); use an address such as "
            "sqlite:///study.db or a path ending in .log"
        ) from error


def _backend(address: str) -> BaseStorage:
    if address.endswith(".log"):
        Path(address).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(address))
    if not address.startswith("sqlite:///"):
        return RDBStorage(address)
    Path(address.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    storage = RDBStorage(address, engine_kwargs={"connect_args": {"timeout": 60}})
    # One write to the disk a checkpoint instead of one a trial; a kill loses no whole trial.
    event.listen(storage.engine, "connect", _write_ahead)
    return storage


def _write_ahead(connection: object, record: object) -> None:
    del record
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's line a trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
