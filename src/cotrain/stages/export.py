"""The recommended portfolio trained on all labels: a folder of models, registered in MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cotrain import tables
from cotrain.allocation import Fit, FoldUse
from cotrain.comparison import Candidate, Model
from cotrain.exceptions import CotrainError, DataError, FitError, SettingsError
from cotrain.features import featurizer_of, nearest
from cotrain.serving import Manifest, ModelNote, TaskNote, TrainedModels, check_place
from cotrain.stages._context import run_context
from cotrain.stages._learners import study_learners
from cotrain.stages._repeats import final_repeats, study_repeats
from cotrain.stages.validate import places
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import open_tracker
from cotrain.training import Learners, Problem
from cotrain.words import count


@dataclass(frozen=True, eq=False)
class Validated:
    """The portfolio that `cotrain validate` recommends, and the tables that go with it."""

    portfolio: Candidate
    weights: pd.Series  # by task and role
    scores: pd.DataFrame  # the table `served`
    skill: pd.DataFrame
    intervals: pd.DataFrame

    @classmethod
    def load(cls, study: Study, tasks: Sequence[str], data_version: str) -> "Validated":
        folder = study.validation
        found = tables.Portfolio.of_table(folder, tasks, data_version)
        models = []
        for one in found.models:
            members, serves = places((one.members, one.serves), tasks)
            models.append(Model(one.learner, members, one.draw, serves))
        portfolio = Candidate(found.name, tuple(models))
        weights, scores, skill, intervals = (
            tables.read(folder, name) for name in ("weights", "served", "skill", "intervals")
        )
        wanted = sorted((task, role) for task in tasks for role in portfolio.roles)
        by_pair = weights.set_index(["task", "role"])["weight"]
        for name, fits in (
            ("weights", sorted(by_pair.index) == wanted and (by_pair >= 0).all()),
            ("served", set(scores["task"]) == set(tasks)),
            ("skill", sorted(skill["task"]) == sorted(tasks)),
            ("intervals", set(intervals["task"]) <= set(tasks)),
        ):
            if not fits:
                raise DataError(
                    f"{folder / name}.csv: cannot be read (its rows do not fit the portfolio and "
                    "the tasks); run `cotrain validate`"
                )
        return cls(portfolio, by_pair, scores, skill, intervals)


def run(study: Study, out: str) -> str:
    settings = study.settings
    folder = study.folder / out
    check_place(folder)
    table = TaskTable.load(study.table)
    version = file_version(study.table)
    found = Validated.load(study, table.tasks, version)
    learners = study_learners(study)
    described = table.description
    if described is not None and described["state"].get("own"):
        described = None
    fits = [_final_fit(study, table, model, learners) for model in found.portfolio.models]
    try:
        parallel = Parallel(n_jobs=settings.train.workers or -1, backend="threading")
        trained = tuple(parallel(delayed(learners[fit.learner].fit)(table, fit) for fit in fits))
    except FitError as error:
        raise CotrainError(f"a model cannot be trained on all labels: {error}") from error
    models = TrainedModels(
        manifest=Manifest(
            portfolio=found.portfolio.name,
            data_version=version,
            n_features=table.n_features,
            features=described,
            label=settings.prepare.labels,
            seed=settings.plan.seed,
            validated_folds=_reported(study)[1],
            n_folds=table.n_folds,
            similarity=None if described is None else _validated_similarity(study, table),
            tasks=_task_notes(table, found),
            models=[
                _model_note(table, model, fit, learners)
                for model, fit in zip(found.portfolio.models, fits, strict=True)
            ],
        ),
        models=trained,
        known=None if described is None else table.features,
    )
    models.save(folder)
    registered = open_tracker(study.home).register_models(folder, run_context(study, version))
    where = f"in MLflow {' '.join(registered)}" if registered else "not in MLflow: tracking is off"
    said = f"{count(len(fits), 'model')} of {table.n_tasks} tasks ({found.portfolio.name})"
    if not fits:
        said += ": every task is predicted by its base rate"
    elif models.doubts:
        said += f"; {len(models.doubts)} of them are not to rely on, see README.md there"
    return f"{folder}: {said}; {where}"


def _final_fit(study: Study, table: TaskTable, model: Model, learners: Learners) -> Fit:
    """A model on all folds, but for the validation folds where training stops by them."""
    seed = study.settings.plan.seed
    fit = model.final_fit(table, seed)
    if fit.learner not in learners:
        raise SettingsError(
            f"{study.folder / 'params.yaml'}: `learners` lacks `{model.learner}`, which the "
            "portfolio needs; run `cotrain validate` again"
        )
    if not learners[fit.learner].stops_early:
        return fit
    return model.final_fit(table, seed, study_repeats(study.settings, 1, seed)[0].folds.validation)


def _model_note(table: TaskTable, model: Model, fit: Fit, learners: Learners) -> ModelNote:
    settings = learners[fit.learner].settings
    counts = table.label_counts[list(model.members)][:, list(fit.allocation.folds)]
    return ModelNote(
        learner=model.learner,
        kind=settings.kind,
        settings=settings.model_dump(mode="json"),
        members=[table.tasks[task] for task in model.members],
        serves=[table.tasks[task] for task in model.serves],
        n_labels=counts.sum(axis=1).tolist(),
        draw=model.draw,
        train_folds=fit.level,
    )


def _task_notes(table: TaskTable, found: Validated) -> list[TaskNote]:
    everything = Problem.of_all(table)
    base = everything.base_outputs()
    scores, widths, skill = (
        _records(frame) for frame in (found.scores, found.intervals, found.skill)
    )
    return [
        TaskNote(
            name=name,
            kind=kind,
            n_labels=int(everything.n_labels[task]),
            n_positive=int(table.positive_counts[task].sum()) if kind == "binary" else None,
            base=float(base[task]),
            scale=float(everything.scale[task]),
            weights={role: float(found.weights[name, role]) for role in found.portfolio.roles},
            intervals=widths.get(name, []),
            test_scores=scores[name],
            **skill[name][0],
        )
        for task, (name, kind) in enumerate(zip(table.tasks, table.kinds, strict=True))
    ]


def _records(frame: pd.DataFrame) -> dict[str, Any]:
    """The rows of each task; what is unknown is None."""
    known = frame.astype(object).where(frame.notna(), None).set_index("task")
    return {str(task): own.to_dict("records") for task, own in known.groupby(level=0)}


def _reported(study: Study) -> tuple[FoldUse, int]:
    """The folds of a repeat whose models test labels reported on, and how many trained."""
    repeats = study_repeats(study.settings, 1, study.settings.plan.seed)
    rotations, level = final_repeats(study.settings, repeats)
    return rotations[0].folds, level


def _validated_similarity(study: Study, table: TaskTable) -> list[float]:
    """How near the scored examples were to those trained on, at every twentieth."""
    assert table.description is not None  # only then is it asked for
    folds, level = _reported(study)
    trained = np.isin(table.folds, folds.train[:level])
    scored = np.isin(table.folds, folds.test)
    similarity = nearest(
        featurizer_of(table.description),
        table.features[np.flatnonzero(scored)],
        table.features[np.flatnonzero(trained)],
    )
    return [round(float(mark), 4) for mark in np.quantile(similarity, np.linspace(0, 1, 21))]
