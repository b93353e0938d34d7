"""The best grouping that the surrogates know, and how near it is to the best there is."""

import hashlib
import json
import math
import os
from dataclasses import replace

import numpy as np

from cotrain import tables
from cotrain.analysis import group_value
from cotrain.exceptions import DataError, SettingsError
from cotrain.files import read_json, write_json, write_sums
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    Grouping,
    GroupValue,
    Objective,
    as_matrix,
    exact_groups,
    fill_unknown_pairs,
    greedy_groups,
    grouping_result,
    pairwise_scores,
    random_groupings,
    search_groups,
    simplest,
    spectral_clusters,
)
from cotrain.progress import Steps
from cotrain.scores import find_score
from cotrain.settings import GroupSettings
from cotrain.stages._checks import wrong_names
from cotrain.stages._context import log_summary
from cotrain.study import Study
from cotrain.tasks import TaskTable, file_version


def run(study: Study) -> str:
    with Steps("group", 4) as step:
        return _run(study, step)


def _run(study: Study, step: Steps) -> str:
    group = study.settings.group
    step("the chosen surrogate")
    surrogate, value, primary, affinity = _value(study)
    # What is searched is higher the better; files have the score's own sign.
    sign = find_score(study.settings.analyze.score).sign
    tasks = list(TaskTable.load(study.table).tasks)
    data_version = file_version(study.table)
    if wrong := list(wrong_names(study.settings, tasks)):
        raise SettingsError(f"{study.folder / 'params.yaml'}: {'; '.join(wrong)}")
    step("search")
    try:
        objective = Objective(value, _rules(group, tasks), _weights(group, tasks, primary))
        search = search_groups(
            objective,
            trials=group.trials,
            sampler=group.sampler,
            seed=group.seed,
            # That of Optuna's own variable, or a journal of the study.
            storage=os.environ.get("OPTUNA_STORAGE") or f"{study.home}/.cotrain/groupings.log",
            study_name=_study_name(study),
            data_version=data_version,
            task_names=tasks,
        )
    except ValueError as error:
        raise SettingsError(f"{study.folder / 'params.yaml'}: section `group`: {error}") from error
    step("proof")
    exact = exact_groups(objective, start=search.best.groups, time_limit=group.proof_seconds)
    front = [tuple(map(tuple, json.loads(groups))) for groups in search.front["groups"]]
    best = simplest(objective, [exact.groups, search.best.groups, *front], group.tolerance)
    best = grouping_result(objective, as_matrix(best.groups, len(tasks)), exact.bound)
    best = replace(best, timed_out=exact.timed_out)
    step("rivals")
    n_random = study.settings.validate_.random_groupings
    rivals = _rivals(objective, best.groups, affinity, n_random, group.seed)
    write_json(
        study.grouping / "grouping.json",
        {
            "data_version": data_version,
            "score": study.settings.analyze.score,
            "groups": _names(best.groups, tasks),
            "served_by": dict(zip(tasks, best.served_by, strict=True)),
            "surrogate": surrogate,
            "predicted": sign * best.value,
            "predicted_tasks": dict(zip(tasks, map(float, sign * best.task_values), strict=True)),
            # Of the best that was found; more than `predicted` by the tolerance at most.
            "best_predicted": sign * max(exact.value, search.best.value),
            # Without a proof there is no bound and no gap.
            "bound": sign * best.bound if math.isfinite(best.bound) else None,
            "is_optimal": best.is_optimal,
            "timed_out": best.timed_out,
            "gap": best.gap if math.isfinite(best.gap) else None,
            "n_trials": group.trials,
            # The diagonal is no pair.
            "n_unknown_affinities": int(np.isnan(affinity).sum()) - len(tasks),
            "rivals": {
                name: [_names(grouping, tasks) for grouping in groupings]
                for name, groupings in rivals.items()
            },
        },
    )
    found = {"trials": search.trials, "front": search.front}
    for frame in found.values():
        frame["value"] *= sign
    tables.write_all(study.grouping, found)
    write_sums(study.grouping)
    figures = {"predicted": sign * best.value, "bound": sign * best.bound, "gap": best.gap}
    figures["n_groups"] = len(best.groups)
    log_summary(study, "grouping", figures, sorted(study.grouping.iterdir()))
    return (
        f"{len(best.groups)} groups of {group.max_groups} at most, predicted mean score "
        f"{sign * best.value:.4f}, {best.certificate}"
        f"{'' if 'affinity' in rivals else '; no gradient affinity is known to group by'}"
    )


def _value(study: Study) -> tuple[str, GroupValue, list[str], np.ndarray]:
    """The surrogate that `analyze` chose, by name and as the value of a group.

    Primary tasks, and affinities [target, source] (K, K).
    """
    path = study.analysis / "summary.json"
    try:
        found = read_json(path, "analyze")
        surrogate, primary = found["surrogate"], found.get("primary", [])
    except KeyError as error:
        raise DataError(f"{path}: lacks {error}; run `cotrain analyze` again") from error
    names = ("surrogates", "relevance", "subset_scores", "affinity")
    targets, relevance, scores, pairs = (tables.read(study.analysis, name) for name in names)
    affinity = tables.pair_matrix(pairs, targets["target"].tolist(), "affinity")
    n_labels = TaskTable.load(study.table).label_counts.sum(axis=1)
    caution, score = study.settings.group.caution, study.settings.analyze.score
    value = group_value(surrogate, targets, relevance, scores, n_labels, caution, score, affinity)
    return surrogate, value, primary, affinity


def _rules(group: GroupSettings, tasks: list[str]) -> Constraints:
    return Constraints(
        # `prepare` may have left fewer tasks than the settings were made for.
        max_groups=min(group.max_groups, len(tasks)),
        min_size=group.min_size,
        max_size=group.max_size,
        must_share=_pairs(group.must_share, tasks),
        must_not_share=_pairs(group.must_not_share, tasks),
        max_cost=group.max_cost,
    )


def _pairs(pairs: list[list[str]], tasks: list[str]) -> tuple[tuple[int, int], ...]:
    return tuple((tasks.index(one), tasks.index(other)) for one, other in pairs)


def _weights(group: GroupSettings, tasks: list[str], primary: list[str]) -> np.ndarray:
    # Of primary tasks the others are but sources; a weight must be positive.
    weights = np.array([1.0 if not primary or task in primary else 1e-6 for task in tasks])
    for name, weight in group.weights.items():
        weights[tasks.index(name)] = weight
    return weights


def _rivals(
    objective: Objective, groups: Grouping, affinity: np.ndarray, n_random: int, seed: int
) -> dict[str, list[Grouping]]:
    """What the grouping is compared with, beside each task alone and all together.

    By affinity: what TAG would choose under the same rules; nothing if no affinity is known.
    """
    n_tasks = len(affinity)
    rivals = {"random": random_groupings(groups, n_tasks, count=n_random, seed=seed)}
    if 1 < len(groups) < n_tasks:
        pairs = pairwise_scores(objective.value)
        rivals["clustering"] = [spectral_clusters(pairs, len(groups), seed=seed)]
    if not np.isnan(affinity).all():
        value = AffinityValue(fill_unknown_pairs(affinity), self_scores=np.zeros(n_tasks))
        by_affinity = greedy_groups(Objective(value, objective.constraints), seed=seed)
        rivals["affinity"] = [by_affinity.groups]
    return rivals


def _names(grouping: Grouping, tasks: list[str]) -> list[list[str]]:
    return [[tasks[task] for task in group] for group in grouping]


def _study_name(study: Study) -> str:
    """A name that changes with whatever the search depends on, so that no other is continued."""
    # More trials continue the study.
    # 2: trials hold what tells damaged ones. 3: rules have no costs that nobody sets.
    settings = study.settings.group.model_dump_json(exclude={"trials"})
    digest = hashlib.sha256(f"3 {settings}".encode())
    names = ("relevance.csv", "surrogates.csv", "subset_scores.csv", "affinity.csv", "summary.json")
    for name in names:
        digest.update((study.analysis / name).read_bytes())
    return f"grouping-{digest.hexdigest()[:12]}"
