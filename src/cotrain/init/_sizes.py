"""Folds, plan sizes and scores that suit a table."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import stirling2

from cotrain.init._sections import column_folds

# Molecules whose descriptors two cores compute in two minutes, and those of real values, to which
# descriptors matter more, in ten; a million would take hours.
_DESCRIBED, _DESCRIBED_REAL = 20_000, 100_000
# Squared examples times tasks that the kernel learner takes two minutes a fit for, and the examples
# whose similarities fit into 1 GB of memory; squared labels of tasks by themselves that fit too.
_KERNEL, _KERNEL_EXAMPLES, _KERNEL_APART = 1.5e9, 20_000, 5e8
# Examples of all subsets of one repeat: of more than 8,000 there are fewer than 60 subsets, so that
# a study's time does not grow with its table; but never fewer than 20.
_SUBSET_EXAMPLES, _LEAST_SUBSETS = 480_000, 20
# Labels of texts, of all tasks, for which all forests of `validate` take five minutes by the cost
# model: trees are slow on sparse features, and 1.5 million labels would take hours.
_FOREST_TEXTS = 40_000
# Tasks, and tasks times examples, above which none gets one fold more: such a fit for each task
# trains all of them, and analysis takes the fourth power of their number. 100 s at so many tasks.
_GRID_TASKS, _GRID = 150, 3_000_000
_TRIALS_A_GROUPING = 5
# Examples from which one random grouping is enough to compare with.
_LARGE = 10_000
# Examples up to which batches of 64 at a higher rate do as well as twice as many of 32.
_FEW = 500


def fit_plan(
    params: Any, n_labels: Sequence[int], n_examples: int, n_rarest: int, split: dict[str, Any]
) -> dict[str, Any]:
    """Choose folds and plan sizes for tasks of `n_labels`; returns the section of the split.

    Models are trained near the full data: on all folds but those for validation and test, which
    turn from repeat to repeat. The rarer the labels, the fewer the folds.
    """
    n_tasks = len(n_labels)
    n_folds, n_test, n_validation = _folds(n_examples, n_rarest)
    plan, prepare = params["plan"], params["prepare"]
    plan["rotate"] = True
    if split["kind"] == "column":
        folds = column_folds(split.pop("values"), n_folds, n_test, n_validation)
        if all(len(places) == 1 for places in folds.values()):  # fold numbers
            n_folds = max(len(folds), 4)
            n_test = n_validation = 1
        else:
            plan["rotate"] = not any(
                places == [*range(n_folds - n_test - n_validation, n_folds - n_test)]
                for places in folds.values()
            )
        split["folds"] = folds
    elif split["kind"] == "time":
        plan["rotate"] = False
    prepare["n_folds"] = n_folds
    n_train = n_folds - n_test - n_validation
    plan["test_folds"], plan["train_folds"], plan["subset_level"] = n_test, n_train, n_train
    levels = {max(1, n_train // 3), max(1, 2 * n_train // 3)}
    if split["kind"] == "time":  # the first folds hold no label of what is measured since lately
        levels = {n_train - 1}
    plan["augmentations"]["levels"] = sorted(level for level in levels if level < n_train) or [1]
    if n_tasks > _GRID_TASKS or n_tasks * n_examples > _GRID:
        plan["augmentations"]["sources"] = "none"
    subsets = plan["subsets"]
    # Of hundreds of tasks larger subsets, so that 60 of them hold each task several times.
    subsets["max_size"] = max(2, min(max(subsets["max_size"], n_tasks // 4), n_tasks - 1))
    sizes = range(subsets["min_size"], subsets["max_size"] + 1)
    # Tasks that are groups of rows, or sparse, leave many rows out of a subset.
    n_rows = min(n_examples, sum(n_labels) * (sizes[0] + sizes[-1]) // (2 * n_tasks))
    n_affordable = max(_LEAST_SUBSETS, _SUBSET_EXAMPLES // max(n_rows, 1))
    n_distinct = sum(math.comb(n_tasks, n) for n in sizes)
    subsets["n_subsets"] = min(subsets["n_subsets"], n_affordable, n_distinct)
    if n_examples > _LARGE:
        params["validate"]["random_groupings"] = 1
    group = params["group"]
    group["max_groups"] = min(group["max_groups"], n_tasks)
    # So that each grouping is met; more trials would repeat themselves.
    n_groupings = stirling2(n_tasks, np.arange(1, group["max_groups"] + 1)).sum()
    group["trials"] = int(min(group["trials"], _TRIALS_A_GROUPING * n_groupings))
    return split


def fit_scores(params: Any, kinds: set[str]) -> None:
    """Choose scores that tasks of these kinds have, none of them in a task's own unit."""
    if "real" in kinds:
        score = "r2" if kinds == {"real"} else "d2"
        params["analyze"]["score"] = params["analyze"]["curve_score"] = score


def fit_recipe(params: Any, kinds: set[str], n_examples: int) -> None:
    """Choose features and a recipe that suit the tasks.

    Descriptors beside counts raise what all learners reach (docs/learners.md), and take 14 ms a
    molecule. Columns of a table are few: the decay that suits thousands of bits takes from tasks
    alone what they know. Real values ask for twice the epochs, a Huber loss, and one of bounds.
    Of a few hundred examples, larger batches train as well in half of the time.
    """
    features = params["prepare"]["features"]
    most = _DESCRIBED_REAL if "real" in kinds else _DESCRIBED
    if features["kind"] == "molecules" and n_examples <= most:
        features["parts"] = ["counts", "descriptors"]
    if features["kind"] == "columns":
        params["learners"]["network"]["weight_decay"] = 3
    if "real" in kinds:
        params["learners"]["network"].update(
            epochs=20, decay_epochs=[14], batch_fraction=0.03, learning_rate=0.001, loss="huber",
            bounds="one_sided",
        )  # fmt: skip
    if n_examples <= _FEW and features["kind"] in ("molecules", "columns"):
        params["learners"]["network"].update(min_batch_size=64, learning_rate=0.002)


def choose_learners(params: Any, n_labels: Sequence[int], n_examples: int, by_groups: bool) -> None:
    """Add what one would use for such features, and leave out what would take hours."""
    learners, kind = params["learners"], params["prepare"]["features"]["kind"]
    if by_groups:
        learners["pooled"] = {"kind": "pooled"}
        learners["pooled linear"] = {"kind": "pooled_linear"}
    elif kind == "columns":
        learners["boosting"] = {"kind": "boosting"}
    elif kind == "text" and sum(n_labels) > _FOREST_TEXTS:
        del learners["forest"]
    # Changed in place, for the comment beside it says what `share` is.
    if kind == "images":
        del learners["kernel"]
    elif n_examples <= _KERNEL_EXAMPLES and n_examples**2 * len(n_labels) <= _KERNEL:
        learners["kernel"]["share"] = None
    elif sum(n**2 for n in n_labels) <= min(_KERNEL_APART, n_examples**2):
        learners["kernel"]["share"] = 0.0
    else:
        del learners["kernel"]


def _folds(n_examples: int, n_rarest: int) -> tuple[int, int, int]:
    """How many folds there are, for test, and for validation."""
    for n_folds, n_test, n_validation, enough in ((10, 2, 1, 40), (6, 1, 1, 18), (5, 1, 1, 8)):
        if n_rarest >= enough and n_examples >= 6 * n_folds:
            return n_folds, n_test, n_validation
    return 4, 1, 1
