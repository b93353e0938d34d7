from ._answers import summarize as summarize
from ._findings import Findings as Findings
from ._write import write_report as write_report
