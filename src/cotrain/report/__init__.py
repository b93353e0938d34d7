"""The report: from the tables of a study to a page, its figures and its key figures."""

from cotrain.report._findings import Findings
from cotrain.report._summary import summarize
from cotrain.report._write import write_report

__all__ = ["Findings", "summarize", "write_report"]
