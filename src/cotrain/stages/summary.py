"""The main findings, for the terminal."""

from cotrain.report import Findings, summarize
from cotrain.study import Study


def run(study: Study) -> str:
    findings = Findings.load(study.prepared, study.analysis, study.grouping, study.validation)
    return f"{summarize(findings)}\n\nreport: {study.reports / 'report.html'}"
