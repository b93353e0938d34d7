"""The report, its figures and the key figures."""

from cotrain.report import Findings, write_report
from cotrain.study import Study


def run(study: Study) -> str:
    findings = Findings.load(study.prepared, study.analysis, study.grouping, study.validation)
    write_report(findings, study.reports)
    return f"report: {study.reports / 'report.html'}"
