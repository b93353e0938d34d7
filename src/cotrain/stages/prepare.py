"""The task table from the measurements."""

from itertools import chain

from cotrain.preparation import Prepared, prepare
from cotrain.settings import Settings
from cotrain.sources import RawTable
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study


def run(study: Study) -> str:
    found, said = prepared(study, RawTable.load(study.raw, study.folder))
    found.save(study.table, study.prepared)
    return said


def prepared(study: Study, raw: RawTable) -> tuple[Prepared, str]:
    settings = study.settings
    found = prepare(raw, settings.prepare, _fold_sets(settings), settings.plan.test_folds)
    table = found.table
    said = (
        f"{table.n_examples} examples, {table.n_tasks} tasks, {table.labels.nnz} labels; "
        f"{len(found.rejects)} rows rejected, {len(found.conflicts)} labels conflict, "
        f"{len(found.excluded)} tasks excluded: see {study.prepared}"
    )
    return found, said + "".join(f"\nnote: {note}" for note in found.notes["note"])


def _fold_sets(settings: Settings) -> list[tuple[int, ...]]:
    """The sets of folds that must hold both classes of a task: trained on or scored on.

    All turns that the development folds can make are counted, so that the tasks kept do not change
    when repeats are added.
    """
    plan = settings.plan
    n_turns = settings.prepare.n_folds - plan.test_folds if plan.rotate else 1
    level = min(plan.subset_level, *plan.augmentations.levels)
    uses = [turn.folds for turn in study_repeats(settings, n_turns, plan.seed)]
    sets = ((use.train[:level], use.validation, use.test) for use in uses)
    return list(dict.fromkeys(chain.from_iterable(sets)))
