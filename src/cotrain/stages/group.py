"""The best grouping that the surrogates know, and how near it is to the best there is."""

import difflib
import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.analysis import pair_matrix
from cotrain.exceptions import DataError, SettingsError
from cotrain.files import write_csv, write_json
from cotrain.grouping import (
    AffinityValue,
    Constraints,
    Grouping,
    LinearValue,
    Objective,
    affinity_clusters,
    exact_groups,
    fill_unknown_pairs,
    greedy_groups,
    random_groupings,
    search_groups,
)
from cotrain.settings import GroupSettings
from cotrain.stages._context import run_context
from cotrain.study import Study
from cotrain.tasks import file_version
from cotrain.tracking import open_tracker

_BLANK = {name: [""] for name in ("relevance", "standard_error", "intercept", "affinity")}


def run(study: Study) -> str:
    group = study.settings.group
    relevance, surrogates = (
        _read(study.analysis / name) for name in ("relevance.csv", "surrogates.csv")
    )
    tasks = surrogates["target"].tolist()
    data_version = file_version(study.table)
    try:
        objective = Objective(
            _value(relevance, surrogates, group.caution),
            _rules(group, tasks),
            _weights(group, tasks),
        )
        search = search_groups(
            objective,
            trials=group.trials,
            sampler=group.sampler,
            seed=group.seed,
            storage=_storage(study),
            study_name=_study_name(study),
            data_version=data_version,
            task_names=tasks,
        )
    except ValueError as error:
        raise SettingsError(f"{study.folder / 'params.yaml'}: section `group`: {error}") from error
    exact = exact_groups(objective, start=search.best.groups)
    best = exact if exact.value > search.best.value else search.best
    affinity = pair_matrix(_read(study.analysis / "affinity.csv"), tasks, "affinity")
    n_random = study.settings.validate_.random_groupings
    rivals = _rivals(objective, best.groups, affinity, n_random, group.seed)
    write_json(
        study.grouping / "grouping.json",
        {
            "data_version": data_version,
            "score": study.settings.analyze.score,
            "groups": _names(best.groups, tasks),
            "served_by": dict(zip(tasks, best.served_by, strict=True)),
            "predicted": best.value,
            # Without a proof there is no bound and no gap.
            "bound": exact.bound if math.isfinite(exact.bound) else None,
            "is_optimal": exact.is_optimal,
            "timed_out": exact.timed_out,
            "gap": exact.gap if math.isfinite(exact.gap) else None,
            "n_trials": group.trials,
            # The diagonal is no pair.
            "n_unknown_affinities": int(np.isnan(affinity).sum()) - len(tasks),
            "rivals": {
                name: [_names(grouping, tasks) for grouping in groupings]
                for name, groupings in rivals.items()
            },
        },
    )
    write_csv(study.grouping / "trials.csv", search.trials)
    write_csv(study.grouping / "front.csv", search.front)
    tracker = open_tracker(study.home)
    tracker.log_summary(
        "grouping",
        run_context(study, data_version).params,
        {
            "predicted": best.value,
            "bound": exact.bound,
            "gap": exact.gap,
            "n_groups": len(best.groups),
        },
        sorted(study.grouping.iterdir()),
    )
    return (
        f"{len(best.groups)} groups of {group.max_groups} at most, predicted mean score "
        f"{best.value:.4f}, {exact.certificate}"
        f"{'' if 'affinity' in rivals else '; no gradient affinity is known to group by'}"
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        # A task may be called NA: names are read as they stand.
        return pd.read_csv(path, keep_default_na=False, na_values=_BLANK)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run `cotrain analyze` first") from error


def _value(relevance: pd.DataFrame, surrogates: pd.DataFrame, caution: float) -> LinearValue:
    """The surrogates as the value of a group; with `caution`, the lower end of what they say."""
    tasks = surrogates["target"].tolist()
    intercept = surrogates["intercept"].to_numpy()
    coef = pair_matrix(relevance, tasks, "relevance")
    if caution == 0:
        return LinearValue(intercept, coef)
    error = pair_matrix(relevance, tasks, "standard_error")
    return LinearValue(intercept, coef, np.zeros(len(tasks)), error, z=caution)


def _rules(group: GroupSettings, tasks: list[str]) -> Constraints:
    # `prepare` may have left fewer tasks than the settings were made for.
    max_groups = min(group.max_groups, len(tasks))
    return Constraints(
        max_groups=max_groups,
        min_size=group.min_size,
        max_size=group.max_size,
        must_share=_pairs("must_share", group.must_share, tasks),
        must_not_share=_pairs("must_not_share", group.must_not_share, tasks),
        max_cost=group.max_cost,
    )


def _pairs(key: str, pairs: list[list[str]], tasks: list[str]) -> tuple[tuple[int, int], ...]:
    found = [[_place(key, name, tasks) for name in pair] for pair in pairs]
    return tuple((one, other) for one, other in found)


def _weights(group: GroupSettings, tasks: list[str]) -> np.ndarray:
    weights = np.ones(len(tasks))
    for name, weight in group.weights.items():
        weights[_place("weights", name, tasks)] = weight
    return weights


def _place(key: str, name: str, tasks: list[str]) -> int:
    if name in tasks:
        return tasks.index(name)
    close = difflib.get_close_matches(name, tasks, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "correct the name, or see if it was excluded"
    raise ValueError(f"`{key}` names the task `{name}`, which the study does not have; {hint}")


def _storage(study: Study) -> str:
    """Where trials are kept: the storage of Optuna's own variable, or a journal of the study."""
    return os.environ.get("OPTUNA_STORAGE") or str(study.home / ".cotrain" / "groupings.log")


def _rivals(
    objective: Objective, groups: Grouping, affinity: np.ndarray, n_random: int, seed: int
) -> dict[str, list[Grouping]]:
    """What the grouping is compared with, beside each task alone and all together.

    By affinity: what TAG would choose under the same rules; nothing if no affinity is known.
    """
    n_tasks = len(affinity)
    rivals = {"random": random_groupings(groups, n_tasks, count=n_random, seed=seed)}
    if 1 < len(groups) < n_tasks:
        rivals["clustering"] = [affinity_clusters(objective.value, len(groups), seed=seed)]
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
    digest = hashlib.sha256(study.settings.group.model_dump_json(exclude={"trials"}).encode())
    for name in ("relevance.csv", "surrogates.csv"):
        digest.update((study.analysis / name).read_bytes())
    return f"grouping-{digest.hexdigest()[:12]}"
