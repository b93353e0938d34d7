"""The one contract of the tables that stages write and others read."""

from cotrain.tables._catalogue import TABLES
from cotrain.tables._contract import Column, Table
from cotrain.tables._files import describe, read, write, write_all

__all__ = ["TABLES", "Column", "Table", "describe", "read", "write", "write_all"]
