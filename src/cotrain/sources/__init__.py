"""Readers of measurements: MoleculeACE, CSV files, KIBA, and made data with a known truth."""

from cotrain.sources._csv import Inspected, inspect_csv, read_csv, read_smiles
from cotrain.sources._fetch import fetch
from cotrain.sources._kiba import read_kiba
from cotrain.sources._measurements import Measurements
from cotrain.sources._moleculeace import read_moleculeace
from cotrain.sources._synthetic import make_synthetic

__all__ = [
    "Inspected",
    "Measurements",
    "fetch",
    "inspect_csv",
    "make_synthetic",
    "read_csv",
    "read_kiba",
    "read_moleculeace",
    "read_smiles",
]
