"""How far off the blended portfolio is on real-valued tasks: split conformal half-widths."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cotrain.comparison._outputs import Outputs
from cotrain.comparison._portfolio import Candidate

COVERAGES = (0.8, 0.9, 0.95)
COLUMNS = ["task", "coverage", "half_width", "n_examples", "test_coverage"]


def interval_table(
    recommended: Candidate,
    repeats: Sequence[tuple[Outputs, Outputs]],
    tasks: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Half-widths of intervals around the blend, a row a real-valued task and coverage.

    Columns task, coverage, half_width (in the labels' unit), n_examples, and test_coverage: the
    share of test labels that such an interval holds. Split conformal (Papadopoulos et al. 2002;
    Lei et al. 2018) on validation labels that each blend was not fitted to. Residuals of all
    repeats are pooled, and the correction for few of them counts examples, of which several
    repeats have the same; half_width is empty where there are too few examples for the coverage.
    `repeats` are of validation and test outputs, `seed` is what the portfolio was chosen with.
    """
    calibration = [validation for validation, _ in repeats]
    crossed = recommended.cross_fit(calibration, seed)
    blend = recommended.blend(calibration, seed)
    predicted = [recommended.predict(blend, test) for _, test in repeats]
    rows: list[tuple[object, ...]] = []
    for at in np.flatnonzero(~repeats[0][0].is_binary).tolist():
        residual, example = _residuals(calibration, crossed, at)
        tested, _ = _residuals([test for _, test in repeats], predicted, at)
        n_examples = np.unique(example).size
        for coverage in COVERAGES:
            half_width = _quantile(residual, n_examples, coverage)
            known = tested.size > 0 and not np.isnan(half_width)
            inside = (tested <= half_width).mean() if known else np.nan
            rows.append((tasks[at], coverage, half_width, n_examples, inside))
    return pd.DataFrame(rows, columns=COLUMNS)


def _residuals(
    parts: Sequence[Outputs], outputs: Sequence[np.ndarray], task: int
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute residuals of one task over all repeats, and whose they are."""
    pairs = list(zip(parts, outputs, strict=True))
    residual = [np.abs(part.truth - output)[part.task == task] for part, output in pairs]
    example = [part.example[part.task == task] for part, _ in pairs]
    return np.concatenate(residual), np.concatenate(example)


def _quantile(residual: np.ndarray, n_examples: int, coverage: float) -> float:
    """The residual that a new one stays below with probability `coverage`; NaN if unknown."""
    level = np.ceil((n_examples + 1) * coverage) / max(n_examples, 1)
    if n_examples == 0 or level > 1:
        return np.nan
    return float(np.quantile(residual, level, method="inverted_cdf"))
