"""The report, its figures and the key figures; the same in MLflow."""

import json

import pandas as pd

from cotrain import report
from cotrain.stages._context import run_context
from cotrain.study import Study
from cotrain.tasks import file_version
from cotrain.tracking import open_tracker
from cotrain.training import load_fit_table


def run(study: Study) -> str:
    findings = report.Findings.load(
        study.prepared, study.analysis, study.grouping, study.validation
    )
    report.write_report(findings, study.reports)
    _track(study)
    return f"report: {study.reports / 'report.html'}"


def _track(study: Study) -> None:
    """The report as a run of its own, and a dashboard over the fits of this study as it is now."""
    tracker = open_tracker(study.home)
    metrics = json.loads((study.reports / "metrics.json").read_text(encoding="utf-8"))
    context = run_context(study, file_version(study.table))
    tracker.log_summary(
        "report",
        context.params,
        {key: value for key, value in metrics.items() if isinstance(value, int | float)},
        [
            study.reports / "report.html",
            study.reports / "figures",
            study.grouping / "trials.csv",
        ],
    )
    plans = ("subsets", "augmentations", "validation")
    tables = [load_fit_table(study.fits(plan)) for plan in plans]
    tracker.prepare_dashboard(pd.concat(tables, ignore_index=True))
