import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import pandas as pd

from cotrain.tracking import RunContext, Tracker
from cotrain.training import Rows, fit_table

# Fits are handed to MLflow so many at once, or after so many seconds: one call serves many runs.
_FITS_A_CALL = 100
_SECONDS_A_CALL = 10.0


class FitLog:
    """Gathers finished fits and logs them to MLflow in bulk.

    What is still held back when the sweep is interrupted is logged on the way out; what a kill
    takes away, the next `sync` brings back from the fit table.
    """

    def __init__(self, tracker: Tracker, run: RunContext) -> None:
        self._tracker = tracker
        self._run = run
        self._rows: list[Rows] = []
        self._last_call = time.monotonic()

    def add(self, rows: Rows) -> None:
        """Take the rows of one fit."""
        self._rows.append(rows)
        waited = time.monotonic() - self._last_call
        if len(self._rows) >= _FITS_A_CALL or waited >= _SECONDS_A_CALL:
            self.flush()

    def add_failure(self, described: Mapping[str, Any], reason: str) -> None:
        """Log a fit that failed, at once: there should be few."""
        self._tracker.log_failures(pd.DataFrame([{**described, "reason": reason}]), self._run)

    def flush(self) -> None:
        """Log what was gathered."""
        rows, self._rows = self._rows, []
        if rows:
            self._tracker.log_fits(fit_table(rows), self._run)
        self._last_call = time.monotonic()

    def __enter__(self) -> "FitLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()
