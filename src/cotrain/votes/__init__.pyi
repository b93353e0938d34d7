from ._choose import Choice, choose
from ._report import write_report
from ._table import VoteTable, read_votes
from ._ways import Comparison, compare

__all__ = ["Choice", "Comparison", "VoteTable", "choose", "compare", "read_votes", "write_report"]
