from ._cells import Cells as Cells, read_cells as read_cells
from ._raw import (
    RawTable as RawTable,
    Source as Source,
    column_of as column_of,
    fetch as fetch,
    summary_row as summary_row,
)
from ._synthetic import Synthetic as Synthetic, make_synthetic as make_synthetic
from ._table import Table as Table, join_columns as join_columns
from ._text import Format as Format, TextTable as TextTable, read_table as read_table
