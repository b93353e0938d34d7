"""The recommended grouping trained on all labels: a folder of models, registered in MLflow."""

import io
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cotrain.allocation import Fit, FoldUse, Rotation, subset_fit
from cotrain.exceptions import CotrainError, DataError, FitError
from cotrain.features import featurizer_of, nearest
from cotrain.files import read_checked
from cotrain.serving import (
    Figure,
    Manifest,
    ModelNote,
    TaskNote,
    TrainedModels,
    check_place,
)
from cotrain.stages._context import run_context
from cotrain.stages._grouping_file import GroupingFile
from cotrain.stages._learners import study_learners
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version
from cotrain.tracking import open_tracker
from cotrain.training.network import NetworkSettings, TrainedNetwork


def run(study: Study, out: str) -> str:
    settings = study.settings
    folder = study.folder / out
    check_place(folder)
    table = TaskTable.load(study.table)
    version = file_version(study.table)
    grouping = GroupingFile.load(study, table.tasks, version).recommended
    served = _read_served(study, table.tasks, len(grouping))
    described = table.description
    if described is not None and described["state"].get("own"):
        described = None
    serving = served.drop_duplicates("task").set_index("task").loc[list(table.tasks), "group"]
    used = sorted(set(serving))
    groups = tuple(grouping[group] for group in used)
    fits = [_final_fit(study, table, group) for group in groups]
    models = TrainedModels(
        manifest=Manifest(
            data_version=version,
            n_features=table.n_features,
            features=described,
            label=settings.prepare.labels,
            model=_network(study),
            seed=settings.plan.seed,
            train_folds=fits[0].level,
            validated_folds=settings.plan.subset_level,
            n_folds=table.n_folds,
            similarity=None if described is None else _validated_similarity(study, table),
            tasks=_task_notes(table, fits[0], [used.index(group) for group in serving], served),
            models=[ModelNote(members=[table.tasks[task] for task in group]) for group in groups],
        ),
        weights=_train(study, table, fits),
        known=None if described is None else table.features,
    )
    models.save(folder)
    found = open_tracker(study.home).register_models(folder, run_context(study, version))
    where = f"in MLflow {' '.join(found)}" if found else "not in MLflow: tracking is off"
    return f"{folder}: {len(groups)} models of {table.n_tasks} tasks; {where}"


def _read_served(study: Study, tasks: Sequence[str], n_groups: int) -> pd.DataFrame:
    """Which group serves each task and what it scored, from `cotrain validate`."""
    path = study.validation / "served.csv"
    numbers = ["group", "mean", "low", "high", "n_repeats"]
    try:
        found = pd.read_csv(
            io.BytesIO(read_checked(path, "run `cotrain validate`")),
            keep_default_na=False,
            na_values={name: [""] for name in numbers},
        )
        if set(found["task"]) != set(tasks) or not found["group"].between(0, n_groups - 1).all():
            raise ValueError("its tasks or groups are not those of the grouping")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run `cotrain validate`") from error
    return found


def _network(study: Study) -> NetworkSettings:
    model = study.settings.learner
    assert isinstance(model, NetworkSettings)
    return model


def _final_fit(study: Study, table: TaskTable, group: Sequence[int]) -> Fit:
    """`group` on all folds, but for the validation folds where training stops by them."""
    settings = study.settings
    stopping: tuple[int, ...] = ()
    if _network(study).patience > 0:
        stopping = study_repeats(settings, 1, settings.plan.seed)[0].folds.validation
    train = tuple(fold for fold in range(table.n_folds) if fold not in stopping)
    rotation = Rotation(0, FoldUse(train, stopping, ()), settings.plan.seed)
    return subset_fit(table.n_tasks, group, len(train), rotation, "group")


def _train(study: Study, table: TaskTable, fits: Sequence[Fit]) -> tuple[TrainedNetwork, ...]:
    learner = study_learners(study)[study.settings.plan.learner]
    try:
        parallel = Parallel(n_jobs=study.settings.train.workers or -1, backend="threading")
        return tuple(parallel(delayed(learner.fit)(table, fit) for fit in fits))
    except FitError as error:
        raise CotrainError(f"a model cannot be trained on all labels: {error}") from error


def _task_notes(
    table: TaskTable, fit: Fit, serving: Sequence[int], served: pd.DataFrame
) -> list[TaskNote]:
    folds = list(fit.allocation.folds)
    scores = dict(iter(served.groupby("task")))
    return [
        TaskNote(
            name=name,
            kind=kind,
            model=serving[task],
            n_labels=int(table.label_counts[task, folds].sum()),
            n_positive=(
                int(table.positive_counts[task, folds].sum()) if kind == "binary" else None
            ),
            test_scores=[_figure(row) for row in scores[name].to_dict("records")],
        )
        for task, (name, kind) in enumerate(zip(table.tasks, table.kinds, strict=True))
    ]


def _figure(row: Mapping[Hashable, Any]) -> Figure:
    mean, low, high = (
        None if pd.isna(row[name]) else float(row[name]) for name in ("mean", "low", "high")
    )
    return Figure(
        score=str(row["score"]), mean=mean, low=low, high=high, n_repeats=int(row["n_repeats"])
    )


def _validated_similarity(study: Study, table: TaskTable) -> list[float]:
    """How near the scored examples were to those trained on, at every twentieth."""
    assert table.description is not None  # only then is it asked for
    settings = study.settings
    folds = study_repeats(settings, 1, settings.plan.seed)[0].folds
    trained = np.isin(table.folds, folds.train[: settings.plan.subset_level])
    scored = np.isin(table.folds, folds.test)
    similarity = nearest(
        featurizer_of(table.description),
        table.features[np.flatnonzero(scored)],
        table.features[np.flatnonzero(trained)],
    )
    marks = np.quantile(similarity, np.linspace(0, 1, 21))
    return [round(float(mark), 4) for mark in marks]
