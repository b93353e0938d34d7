from ._cells import Cells, read_cells
from ._raw import RawTable, column_of, summary_row
from ._source import Source, fetch
from ._synthetic import Synthetic, make_synthetic
from ._table import Table, join_columns
from ._text import Format, TextTable, read_table

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
