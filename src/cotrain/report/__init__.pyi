from ._answers import summarize
from ._findings import Findings
from ._write import write_report

__all__ = ["Findings", "summarize", "write_report"]
