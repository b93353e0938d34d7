from ._findings import Findings
from ._summary import summarize
from ._write import write_report

__all__ = ["Findings", "summarize", "write_report"]
