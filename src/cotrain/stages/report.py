"""The report, its figures and the key figures; the same in MLflow."""

import pandas as pd

from cotrain import report
from cotrain.stages._context import log_summary
from cotrain.study import Study
from cotrain.training import load_fit_table


def run(study: Study) -> str:
    found = report.Findings.load(study.prepared, study.analysis, study.grouping, study.validation)
    page = study.reports / "report.html"
    metrics = report.write_report(found, study.reports)
    # A run of its own, and a dashboard over the fits of this study as it is now.
    figures = {key: value for key, value in metrics.items() if value is not None}
    files = [page, study.reports / "figures", study.grouping / "trials.csv"]
    tracker = log_summary(study, "report", figures, files)
    tables = [
        load_fit_table(study.fits(plan)) for plan in ("subsets", "augmentations", "validation")
    ]
    tracker.prepare_dashboard(pd.concat(tables, ignore_index=True))
    return f"report: {page}"
