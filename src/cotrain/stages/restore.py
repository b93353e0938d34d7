"""MLflow brought in line with the fit tables, without training."""

from cotrain.exceptions import DataError
from cotrain.stages._context import run_context
from cotrain.study import Study
from cotrain.tasks import file_version
from cotrain.tracking import open_tracker
from cotrain.training import load_fit_table


def run(study: Study) -> str:
    folder = study.fits("any").parent
    if not (paths := sorted(folder.glob("*.parquet"))):
        raise DataError(f"{folder}: no fit tables; run `dvc pull` or `dvc repro` first")
    tracker = open_tracker(study.home, must=True)
    context = run_context(study, file_version(study.table))
    restored = sum(tracker.sync(load_fit_table(path), context) for path in paths)
    tracker.prepare_dashboard()
    return f"{restored} runs restored from {len(paths)} fit tables"
