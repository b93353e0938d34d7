"""Measurements from their source."""

from cotrain.sources import fetch
from cotrain.study import Study


def run(study: Study) -> str:
    raw = fetch(study.settings.fetch, study.folder)
    raw.save(study.raw)
    n_rows, n_examples = len(raw.records), raw.records["example"].nunique()
    # Rows that nothing names may yet be of the same molecule.
    where = f"in {n_rows} rows" if n_examples == n_rows else f"of {n_examples} examples"
    return f"{len(raw.values)} measurements {where}, {len(raw.tasks)} tasks"
