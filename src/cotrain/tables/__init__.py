"""The one contract of the tables that stages write and others read."""

from cotrain.tables._contract import Column, Table
from cotrain.tables._files import TABLES, read, write, write_all
from cotrain.tables._pairs import pair_frame, pair_matrix
from cotrain.tables._records import Overview, Portfolio, Recommendation

__all__ = [
    "TABLES",
    "Column",
    "Overview",
    "Portfolio",
    "Recommendation",
    "Table",
    "pair_frame",
    "pair_matrix",
    "read",
    "write",
    "write_all",
]
