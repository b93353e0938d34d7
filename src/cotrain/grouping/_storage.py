"""A persistent Optuna study that knows which data and rules its trials belong to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from cotrain.exceptions import CotrainError
from cotrain.grouping._objective import Objective


class Storage:
    """Trials of one study, read once and appended to."""

    def __init__(
        self, address: str, study_name: str, data_version: str, objective: Objective
    ) -> None:
        self.study = _open(address, study_name)
        belongs_to = {
            "data_version": data_version,
            "n_tasks": objective.n_tasks,
            "constraints": str(objective.constraints),
        }
        stored = self.study.user_attrs
        for key, wanted in belongs_to.items():
            if key not in stored:
                self.study.set_user_attr(key, wanted)
            elif stored[key] != wanted:
                raise CotrainError(
                    f"{address}: study {study_name!r} belongs to {key} {stored[key]!r}, "
                    f"not {wanted!r}; choose another study name or storage"
                )

    def trials(self) -> list[FrozenTrial]:
        """Return the finished trials."""
        return self.study.get_trials(states=(TrialState.COMPLETE,))

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Append finished trials."""
        self.study.add_trials([trial for trial in trials if trial.state == TrialState.COMPLETE])


def _open(address: str, study_name: str) -> optuna.Study:
    try:
        with quiet():
            return optuna.create_study(
                study_name=study_name,
                storage=_backend(address),
                direction="maximize",
                load_if_exists=True,
            )
    except Exception as error:  # every backend has its own family of errors
        raise CotrainError(
            f"{address}: cannot be opened as an Optuna storage ({error}); use an address such as "
            "sqlite:///study.db or a path ending in .log"
        ) from error


def _backend(address: str) -> BaseStorage:
    if not address.endswith(".log"):
        return RDBStorage(address)
    Path(address).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(address))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's line a trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
