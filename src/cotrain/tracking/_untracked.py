"""Work without MLflow: what to do while the server is away."""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from cotrain.exceptions import SettingsError
from cotrain.tracking._connect import SWITCH
from cotrain.tracking._records import RunContext
from cotrain.tracking._scores import FIT_COLUMNS
from cotrain.tracking._tracker import Tracker


def open_tracker(home: Path) -> Tracker:
    """The tracker of the study in `home`; with COTRAIN_TRACKING=off one that does without MLflow.

    Raises
    ------
    SettingsError
        If the variable says anything but on or off.
    TrackingError
        If the store cannot be used.
    """
    return Tracker.open(home) if _is_on() else Untracked()


def open_tracked(home: Path) -> Tracker:
    """The tracker of the study in `home`, for commands that are about MLflow alone.

    Raises
    ------
    SettingsError
        With COTRAIN_TRACKING=off, or if the variable says anything but on or off.
    TrackingError
        If the store cannot be used.
    """
    if not _is_on():
        raise SettingsError(f"{SWITCH}=off does without MLflow, which this is about; unset it")
    return Tracker.open(home)


def _is_on() -> bool:
    said = os.environ.get(SWITCH) or "on"
    if said not in ("on", "off"):
        raise SettingsError(f"{SWITCH} must be on or off, got {said!r}; set it anew or unset it")
    return said == "on"


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
