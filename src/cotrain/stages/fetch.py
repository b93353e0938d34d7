"""Measurements from their source."""

from cotrain.sources import fetch
from cotrain.study import Study


def run(study: Study) -> str:
    measurements = fetch(study.settings.fetch, study.folder)
    measurements.save(study.raw)
    return f"fetched {measurements.describe()}"
