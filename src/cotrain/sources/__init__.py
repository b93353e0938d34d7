"""Readers of measurements: MoleculeACE, CSV files, KIBA, and made data with a known truth."""

from cotrain.sources._csv import read_csv, task_columns
from cotrain.sources._fetch import fetch
from cotrain.sources._kiba import read_kiba
from cotrain.sources._measurements import Measurements
from cotrain.sources._moleculeace import read_moleculeace
from cotrain.sources._synthetic import make_synthetic

__all__ = [
    "Measurements",
    "fetch",
    "make_synthetic",
    "read_csv",
    "read_kiba",
    "read_moleculeace",
    "task_columns",
]
