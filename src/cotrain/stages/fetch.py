"""Measurements from their source."""

from cotrain.sources import fetch
from cotrain.study import Study


def run(study: Study) -> str:
    measurements = fetch(study.settings.fetch, study.folder)
    measurements.save(study.raw)
    n_examples = measurements.table["example"].nunique()
    return (
        f"{len(measurements.table)} measurements of {n_examples} examples, "
        f"{len(measurements.tasks)} tasks"
    )
