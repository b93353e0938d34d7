"""Readers of measurements: the user's tables, MoleculeACE, KIBA, and made data."""

from cotrain.sources._cells import Cells, read_cells
from cotrain.sources._raw import RawTable, column_of, summary_row
from cotrain.sources._source import Source, fetch
from cotrain.sources._synthetic import Synthetic, make_synthetic
from cotrain.sources._table import Table, join_columns
from cotrain.sources._text import Format, TextTable, read_table

__all__ = [
    "Cells",
    "Format",
    "RawTable",
    "Source",
    "Synthetic",
    "Table",
    "TextTable",
    "column_of",
    "fetch",
    "join_columns",
    "make_synthetic",
    "read_cells",
    "read_table",
    "summary_row",
]
