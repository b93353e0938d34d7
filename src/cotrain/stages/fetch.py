"""Measurements from their source."""

from cotrain.sources import fetch
from cotrain.study import Study


def run(study: Study) -> str:
    raw = fetch(study.settings.fetch, study.folder)
    raw.save(study.raw)
    n_examples = raw.records["example"].nunique()
    return f"{len(raw.values)} measurements of {n_examples} examples, {len(raw.tasks)} tasks"
