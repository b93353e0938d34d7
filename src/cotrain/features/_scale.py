"""Numbers of any size brought to one scale, by median and quartiles."""

from typing import Any

import numpy as np

# Scaled values are cut here: a number of one odd example must not outweigh all others.
LIMIT = 5.0


def fit_scale(values: np.ndarray) -> dict[str, Any]:
    """Return each column's median and spread as plain numbers, (D,) each.

    The spread is the range between the quartiles, or the standard deviation where that is 0; a
    column without any spread gets 0, and is 0 when scaled.
    """
    known = np.where(np.isfinite(values), values, np.nan)
    known[:, np.isnan(known).all(axis=0)] = 0.0
    low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, np.nanstd(known, axis=0))
    return {"middle": middle.tolist(), "spread": spread.tolist()}


def apply_scale(values: np.ndarray, scale: dict[str, Any]) -> np.ndarray:
    """Return (value - median) / spread, cut at ±5, unknown values as 0; float32, (N, D)."""
    middle, spread = np.array(scale["middle"]), np.array(scale["spread"])
    useful = spread > 0
    scaled = np.where(useful, (values - middle) / np.where(useful, spread, 1.0), 0.0)
    return np.clip(np.nan_to_num(scaled, nan=0.0), -LIMIT, LIMIT).astype(np.float32)
