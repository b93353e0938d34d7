from ._choose import Choice as Choice, choose as choose
from ._report import write_report as write_report
from ._table import VoteTable as VoteTable, read_votes as read_votes
from ._ways import Comparison as Comparison, compare as compare
