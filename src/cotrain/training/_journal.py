import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from cotrain.files import whole_file
from cotrain.training._fit_table import scores_of
from cotrain.training._protocol import FitScores

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

    def write(self, fit_id: str, scores: FitScores, seconds: float) -> None:
        """Keep a fit's scores.

        Raises
        ------
        CotrainError
            If the folder cannot be written to or the disk is full.
        """
        with whole_file(self._path(fit_id)) as part, part.open("wb") as file:
            np.savez(
                file,
                tasks=scores.tasks,
                n_labels=scores.n_labels,
                validation=scores.validation,
                test=scores.test,
                n_epochs=np.int64(scores.n_epochs),
                seconds=np.float64(seconds),
            )

    def absorb(self, fit_table: pd.DataFrame) -> int:
        """Keep the fits of a fit table that came without its journal, as `dvc pull` brings it.

        Returns how many were new.
        """
        recorded = self.recorded()
        new = fit_table[~fit_table["fit_id"].isin(recorded)]
        for fit_id, rows in new.groupby("fit_id", sort=False):
            self.write(str(fit_id), scores_of(rows), seconds=math.nan)
        return new["fit_id"].nunique()

    def read(self, fit_id: str) -> FitScores | None:
        """A fit's scores, or None if they are not there or not readable (train it again)."""
        try:
            with self._open(fit_id) as file, np.load(file, allow_pickle=False) as entry:
                return FitScores(
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
