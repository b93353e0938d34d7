"""All checks of settings against the data, without training or writing a stage's files."""

from dataclasses import replace

from cotrain.sources import RawTable, fetch
from cotrain.stages.plan import planned
from cotrain.stages.prepare import prepared
from cotrain.study import Study


def run(study: Study) -> str:
    """Prepare and plan what `fetch` brought, or would bring, in memory; say what would be done."""
    if study.raw.exists():
        raw = RawTable.load(study.raw, study.folder)
    else:
        raw = replace(fetch(study.settings.fetch, study.folder), folder=study.folder)
    found, said = prepared(study, raw)
    _, plans = planned(study, found.table, "not yet written")
    return f"{said}\n{plans}\nthe settings suit the data"
