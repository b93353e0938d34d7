"""Small models of molecules, as `cotrain export` would write them."""

from pathlib import Path

import numpy as np
from molecules import properties
from random_fits import make_model
from scipy.sparse import csr_array

from cotrain.allocation import rotations, subset_fit
from cotrain.features import Featurizer, ecfp, make_featurizer
from cotrain.serving import Figure, Manifest, ModelNote, TaskNote, TrainedModels, Width
from cotrain.settings import LabelSettings, load_settings
from cotrain.tasks import TaskTable
from cotrain.training import Problem, make_learner

BITS = 128
GROUPS = ((0, 1, 2), (1, 3))
WEIGHTS = (0.5, 0.8, 1.0, 1.1)
WIDTH = Width(coverage=0.9, half_width=1.5, n_examples=40, test_coverage=0.91)


def molecules() -> Featurizer:
    """What makes the features of the table."""
    settings = load_settings(Path(__file__).parents[2] / "params.yaml").prepare.features
    return make_featurizer(settings.model_copy(update={"bits": BITS, "parts": ["bits"]}))


def molecule_table(kinds=("real", "binary", "real", "binary")) -> TaskTable:
    """A task table of several hundred molecules with four properties in five folds."""
    frame = properties(4, binary=False)
    smiles = frame.pop("smiles").tolist()
    values = frame.to_numpy()
    for task, kind in enumerate(kinds):
        if kind == "binary":
            known = values[:, task][~np.isnan(values[:, task])]
            values[:, task] = np.where(
                np.isnan(values[:, task]), np.nan, values[:, task] > np.median(known)
            )
    row, task = np.nonzero(~np.isnan(values))
    start = np.concatenate([[0], np.cumsum((~np.isnan(values)).sum(axis=1))])
    labels = csr_array((values[row, task].astype(np.float32), task.astype(np.int32), start))
    return TaskTable(
        features=ecfp(smiles, bits=BITS),
        labels=labels,
        folds=np.random.default_rng(0).integers(0, 5, len(smiles)),
        tasks=tuple(frame.columns),
        kinds=kinds,
        examples=tuple(smiles),
        n_folds=5,
        description=molecules().describe(),
    )


def group_fits(groups=GROUPS):
    """A fit for each group, with validation and test folds."""
    rotation = rotations(5, 3, 1, 1, 7)[0]
    return [subset_fit(4, group, 3, rotation, "group") for group in groups]


def make_models(table: TaskTable, learner=None, groups=GROUPS, **changes) -> TrainedModels:
    """The models of `groups`, trained on three of the folds; changes are of every task's note."""
    learner = learner or make_learner(make_model())
    score = Figure(score="auroc", mean=0.8, low=0.7, high=0.9, n_repeats=5)
    fits = group_fits(groups)
    every = Problem.of(table, group_fits([range(4)])[0])
    base = every.base_outputs()
    names = table.tasks
    return TrainedModels(
        Manifest(
            portfolio="grouping",
            data_version="d" * 32,
            n_features=BITS,
            features=molecules().describe(),
            label=LabelSettings(kind="real", threshold=0.0, active="at_most", transform="none"),
            seed=7,
            validated_folds=3,
            n_folds=5,
            similarity=[0.2 + 0.04 * mark for mark in range(21)],
            tasks=[
                TaskNote(
                    **{
                        "name": name,
                        "kind": kind,
                        "n_labels": int(every.n_labels[task]),
                        "n_positive": 50 if kind == "binary" else None,
                        "base": float(base[task]),
                        "scale": float(every.scale[task]),
                        "weights": {"mine": WEIGHTS[task]} if groups else {},
                        "skill": 0.4,
                        "p_value": 0.001,
                        "skilled": True,
                        "intervals": [WIDTH] if kind == "real" else [],
                        "test_scores": [score],
                        **changes,
                    }
                )
                for task, (name, kind) in enumerate(zip(names, table.kinds, strict=True))
            ],
            models=[
                ModelNote(
                    learner="mine",
                    kind=learner.settings.kind,
                    settings=learner.settings.model_dump(mode="json"),
                    members=[names[task] for task in fit.members],
                    n_labels=Problem.of(table, fit).n_labels.tolist(),
                    draw=0,
                    train_folds=3,
                )
                for fit in fits
            ],
        ),
        tuple(learner.fit(table, fit) for fit in fits),
        table.features,
    )
