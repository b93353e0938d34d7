import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import load_arrays, save_arrays
from cotrain.training._fit_table import results_of
from cotrain.training._result import FitResult, Predictions

_ARRAYS = ("tasks", "n_labels", "validation", "test")  # those of a `FitResult`
_PREDICTED = ("predicted_validation", "predicted_test")


@dataclass(frozen=True)
class Journal:
    """Finished fits, one small file each under the fit's identity.

    The journal makes training resumable: it lies outside the outputs that DVC removes and
    restores, and a file appears whole or not at all, so that a kill at any moment loses only the
    fits under way. Seconds are kept for estimates of time and enter no output.
    """

    folder: Path

    def recorded(self) -> set[str]:
        """The identities of all fits in the journal."""
        return {path.stem for path in self.folder.glob("*/*.npz") if path.name[0] != "."}

    def write(
        self, fit_id: str, result: FitResult, seconds: float, predictions: bool = False
    ) -> None:
        """Keep a fit's scores, and with `predictions` what they follow from.

        CotrainError if the folder cannot be written to or the disk is full.
        """
        kept = {name: getattr(result, name) for name in _ARRAYS}
        kept |= {"n_epochs": np.array(result.n_epochs), "seconds": np.array(seconds)}
        if predictions and (found := result.predictions) is not None:
            kept |= dict(zip(_PREDICTED, (found.validation, found.test), strict=True))
        save_arrays(self._path(fit_id), f"fit {fit_id}", kept)

    def absorb(self, fit_table: pd.DataFrame) -> int:
        """Keep the fits of a fit table that came without its journal, as `dvc pull` brings it.

        Returns how many were new.
        """
        recorded = self.recorded()
        new = fit_table[~fit_table["fit_id"].isin(recorded)]
        for fit_id, rows in new.groupby("fit_id", sort=False):
            self.write(str(fit_id), results_of(rows), seconds=math.nan)
        return new["fit_id"].nunique()

    def read(self, fit_id: str) -> FitResult | None:
        """A fit's result, or None if it is not there or not as it was written (train it again)."""
        entry = self._load(fit_id)
        if entry is None:
            return None
        kept = "predicted_test" in entry
        predictions = Predictions(*(entry[name] for name in _PREDICTED)) if kept else None
        arrays = {name: entry[name] for name in _ARRAYS}
        return FitResult(**arrays, n_epochs=int(entry["n_epochs"]), predictions=predictions)

    def seconds(self, fit_ids: Iterable[str]) -> dict[str, float]:
        """The measured seconds of those fits that are in the journal and were trained here."""
        entries = ((fit_id, self._load(fit_id)) for fit_id in fit_ids)
        found = {fit_id: float(entry["seconds"]) for fit_id, entry in entries if entry}
        return {fit_id: seconds for fit_id, seconds in found.items() if np.isfinite(seconds)}

    def damaged(self) -> list[Path]:
        """The entries that are not as they were written; their fits will be trained again."""
        return [self._path(fit_id) for fit_id in sorted(self.recorded()) if not self._load(fit_id)]

    def _load(self, fit_id: str) -> dict[str, np.ndarray] | None:
        try:
            return load_arrays(self._path(fit_id), f"fit {fit_id}", "train it")
        except DataError:
            return None

    def _path(self, fit_id: str) -> Path:
        return self.folder / fit_id[:2] / f"{fit_id}.npz"
