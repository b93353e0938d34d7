"""The one contract of the tables that stages write and others read."""

from cotrain.tables._records import Overview, Portfolio, Recommendation
from cotrain.tables._tables import (
    TABLES,
    Column,
    Table,
    pair_frame,
    pair_matrix,
    read,
    write,
    write_all,
)

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
