"""The fit table's mirror in MLflow."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cotrain.exceptions import SettingsError, TrackingError
from cotrain.tracking import _dashboard
from cotrain.tracking._connect import SWITCH, prepare_store, tracking_calls, tracking_uri
from cotrain.tracking._names import is_long, task_digest
from cotrain.tracking._records import (
    DATA_VERSION,
    PLAN,
    RunContext,
    RunRecord,
    Summary,
    failure_records,
    fit_records,
)
from cotrain.tracking._sql import open_store
from cotrain.tracking._store import FIT_COLUMNS, RunState, Store, StoredFit, score_frame

if TYPE_CHECKING:  # its import takes seconds
    from mlflow import MlflowClient

_LONG_NAME = "cotrain.task."


class Tracker:
    """One experiment in MLflow, holding one run a fit and one a plan. Made by `Tracker.open`.

    One process writes at a time (the one that drives the training); any number may read.
    """

    def __init__(self, uri: str, experiment: str, experiment_id: str, store: Store):
        self.uri = uri
        self.experiment = experiment
        self.experiment_id = experiment_id
        self._store = store
        self._states: dict[str, list[RunState]] | None = None

    @classmethod
    def open(cls, home: Path) -> "Tracker":
        """The tracker of the study in `home`; its database and experiment are made if need be.

        Which store: MLFLOW_TRACKING_URI, or else the SQLite file `mlflow.db` in `home`. Which
        experiment: MLFLOW_EXPERIMENT_NAME, or else the name of the folder. TrackingError if the
        store is away, locked, damaged or not understood; within seconds.
        """
        uri = tracking_uri(home)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or home.resolve().name or "cotrain"
        with tracking_calls(uri):
            prepare_store(uri)
            return cls(uri, name, *open_store(uri, name))

    @property
    def _client(self) -> "MlflowClient":
        return self._store.client

    def log_fits(self, rows: pd.DataFrame, run: RunContext) -> int:
        """Write a run for each fit of `rows` that has no complete one; returns how many.

        Parameters
        ----------
        rows : DataFrame
            Rows of the fit table, one a (fit, task), of whole fits.
        run : RunContext
            What the fits share.
        """
        with tracking_calls(self.uri):
            return self._write_missing(fit_records(rows, run), rows["task"], run)

    def log_failures(self, failures: pd.DataFrame, run: RunContext) -> None:
        """Write a FAILED run for each row of `failures`, in place of an earlier failure's.

        A row a fit: the fit table's columns that describe a fit, and `reason`.
        """
        with tracking_calls(self.uri):
            self._write_missing(failure_records(failures, run), (), run)

    def sync(self, rows: pd.DataFrame, run: RunContext) -> int:
        """Bring MLflow in line with the fit table; returns how many runs were written.

        A fit without a complete run gets one, and so does a fit whose run lacks a score of
        `run.scores` or holds another value than the table. Runs that were killed, that differ, or
        that a fit has beside another, and failures that have succeeded since, are deleted (MLflow
        can restore them). Doing it twice changes nothing.

        Raises
        ------
        TrackingError
            If the store gives other values back than were written.
        """
        with tracking_calls(self.uri):
            return self._sync(rows, run)[0]

    def synced_scores(self, rows: pd.DataFrame, run: RunContext) -> pd.DataFrame:
        """`sync`, then what the runs of these fits hold, which is what the table says.

        As `fit_scores`, with a column for each score of `run.scores`.
        """
        with tracking_calls(self.uri):
            _, stored = self._sync(rows, run)
            found = score_frame(stored, self._long_names())
        kept = [name for name in found if not str(name).startswith("val_")]
        return found.reindex(columns=kept + [f"val_{score}" for score in run.scores])

    def _sync(self, rows: pd.DataFrame, run: RunContext) -> tuple[int, list[StoredFit]]:
        for states in self._load_states().values():
            self._keep_best(states)
        records = fit_records(rows, run)
        n_written = self._write_missing(records, rows["task"], run)
        stored = {fit.fit_id: fit for fit in self._store.fits([one.fit_id for one in records])}
        wrong = [record for record in records if not stored[record.fit_id].agrees_with(record)]
        assert self._states is not None
        for record in wrong:
            self._store.delete([state.run_id for state in self._states.pop(record.fit_id, ())])
        n_written += self._write_missing(wrong, rows["task"], run)
        for fit in self._store.fits([record.fit_id for record in wrong]):
            stored[fit.fit_id] = fit
        if any(not stored[record.fit_id].agrees_with(record) for record in wrong):
            raise TrackingError(
                f"tracking store {self.uri} gives other values back than were written; "
                f"use another, or set {SWITCH}=off to work from the fit tables alone"
            )
        return n_written, list(stored.values())

    def fit_scores(self, fit_ids: Iterable[str] | None = None) -> pd.DataFrame:
        """Complete runs of `fit_ids`, by default all, one row a (fit, task), sorted by both.

        Returns
        -------
        DataFrame
            Columns fit_id, kind, repeat, members, level, auxiliary, task, n_labels, and `val_<s>`
            for each score s that was logged; an undefined score is NaN. What a fit was planned as
            (kind, repeat) is what it was planned as first: take it from the plan if plans share
            fits.
        """
        with tracking_calls(self.uri):
            return score_frame(self._store.fits(fit_ids), self._long_names())

    def log_summary(
        self,
        plan: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        artifacts: Sequence[Path] = (),
    ) -> None:
        """Write the summary run of a plan in place of the one before, if anything changed.

        It holds settings, key figures but those that are NaN, and files and folders.
        """
        with tracking_calls(self.uri):
            subject = f"summary of {plan}"
            summary = Summary("plan", subject, params, metrics, {PLAN: plan}, artifacts)
            self._store.write_summaries([summary], "plan", subject)

    def register_models(self, folder: Path, run: RunContext) -> tuple[str, str] | None:
        """Register a folder of models under the experiment's name; return name and version.

        The same models are registered once. MLflow loads them as `models:/<name>/<version>`.
        """
        tags = {DATA_VERSION: run.data_version}
        if run.git_commit:
            tags["mlflow.source.git.commit"] = run.git_commit
        with tracking_calls(self.uri):
            from cotrain.tracking._registry import register

            return register(self._client, self.experiment_id, self.experiment, folder, tags)

    def prepare_dashboard(self, rows: pd.DataFrame | None = None) -> None:
        """Write a run for each kind of fit, the view that compares them, and the experiment's note.

        Of the fits in `rows` of the fit table; by default all that are recorded.
        """
        if rows is None:
            rows = self.fit_scores()
        with tracking_calls(self.uri):
            _dashboard.prepare(self._store, self.experiment_id, rows)

    def has_dashboard(self) -> bool:
        with tracking_calls(self.uri):
            return _dashboard.READY in self._store.experiment_tags()

    def dashboard_url(self, base: str) -> str:
        """The address of the prepared view, on an MLflow server at `base`."""
        return _dashboard.url(base, self.experiment_id)

    def _write_missing(
        self, records: Sequence[RunRecord], tasks: Iterable[str], run: RunContext
    ) -> int:
        states = self._states if self._states is not None else self._load_states()
        missing = [
            record
            for record in records
            if not any(state.complete for state in states.get(record.fit_id, ()))
        ]
        if not missing:
            return 0
        for task in filter(is_long, set(tasks)):
            self._store.tag_experiment(f"{_LONG_NAME}{task_digest(task)}", task)
        for state in self._store.write(missing, run):
            self._keep_best([state, *states.get(state.fit_id, [])])
        return len(missing)

    def _keep_best(self, states: Sequence[RunState]) -> None:
        """Delete all but one of a fit's runs: the first complete one, else the last failed one."""
        assert self._states is not None
        complete = sorted((s for s in states if s.complete), key=lambda s: (s.start_time, s.run_id))
        failed = sorted((s for s in states if s.status == "FAILED"), key=lambda s: s.start_time)
        kept = complete[:1] or failed[-1:]
        self._store.delete([state.run_id for state in states if state not in kept])
        self._states[states[0].fit_id] = kept

    def _load_states(self) -> dict[str, list[RunState]]:
        self._states = {}
        for state in self._store.runs("fit"):
            self._states.setdefault(state.fit_id, []).append(state)
        return self._states

    def _long_names(self) -> dict[str, str]:
        tags = self._store.experiment_tags().items()
        return {k.removeprefix(_LONG_NAME): name for k, name in tags if k.startswith(_LONG_NAME)}


class Untracked(Tracker):
    """Writes nothing; fits say what their table says, to which MLflow's runs are equal anyway."""

    def __init__(self) -> None:
        """Open nothing."""

    def log_fits(self, *_args: Any, **_kwargs: Any) -> int:
        return 0

    def log_summary(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    sync = log_fits
    log_failures = prepare_dashboard = register_models = log_summary

    def synced_scores(self, rows: pd.DataFrame, run: RunContext) -> pd.DataFrame:
        columns = [*FIT_COLUMNS, "task", "n_labels", *(f"val_{score}" for score in run.scores)]
        return rows[columns].sort_values(["fit_id", "task"], ignore_index=True)


def open_tracker(home: Path, must: bool = False) -> Tracker:
    """The tracker of the study in `home`; with COTRAIN_TRACKING=off one that does without MLflow.

    Raises
    ------
    SettingsError
        If the variable says anything but on or off; or off, and there `must` be MLflow.
    TrackingError
        If the store cannot be used.
    """
    said = os.environ.get(SWITCH) or "on"
    if said not in ("on", "off"):
        raise SettingsError(f"{SWITCH} must be on or off, got {said!r}; set it anew or unset it")
    if said == "on":
        return Tracker.open(home)
    if must:
        raise SettingsError(f"{SWITCH}=off does without MLflow, which this is about; unset it")
    return Untracked()
