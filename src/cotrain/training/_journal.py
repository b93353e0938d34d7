import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from cotrain.files import whole_file
from cotrain.training._fit_table import results_of
from cotrain.training._result import FitResult, Predictions

# What numpy raises on a file that is missing, cut short or of another kind.
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


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

        Raises
        ------
        CotrainError
            If the folder cannot be written to or the disk is full.
        """
        kept: dict[str, Any] = {}
        if predictions and result.predictions is not None:
            kept = {
                "predicted_validation": result.predictions.validation,
                "predicted_test": result.predictions.test,
            }
        with whole_file(self._path(fit_id)) as part, part.open("wb") as file:
            np.savez(
                file,
                tasks=result.tasks,
                n_labels=result.n_labels,
                validation=result.validation,
                test=result.test,
                n_epochs=np.int64(result.n_epochs),
                seconds=np.float64(seconds),
                **kept,
            )

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
        """A fit's scores, or None if they are not there or not readable (train it again)."""
        try:
            with self._open(fit_id) as file, np.load(file, allow_pickle=False) as entry:
                predictions = None
                if "predicted_test" in entry:
                    predictions = Predictions(
                        entry["predicted_validation"], entry["predicted_test"]
                    )
                return FitResult(
                    predictions=predictions,
                    tasks=entry["tasks"],
                    n_labels=entry["n_labels"],
                    validation=entry["validation"],
                    test=entry["test"],
                    n_epochs=int(entry["n_epochs"]),
                )
        except _UNREADABLE:
            return None

    def seconds(self, fit_ids: Iterable[str]) -> dict[str, float]:
        """The measured seconds of those fits that are in the journal and were trained here."""
        result = {}
        for fit_id in fit_ids:
            try:
                with self._open(fit_id) as file, np.load(file, allow_pickle=False) as entry:
                    seconds = float(entry["seconds"])
            except _UNREADABLE:
                continue
            if np.isfinite(seconds):
                result[fit_id] = seconds
        return result

    def _open(self, fit_id: str) -> BinaryIO:
        return self._path(fit_id).open("rb")

    def _path(self, fit_id: str) -> Path:
        return self.folder / fit_id[:2] / f"{fit_id}.npz"
