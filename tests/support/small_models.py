"""Small models of molecules, as `cotrain export` would write them."""

from pathlib import Path

import numpy as np
from molecules import properties
from random_fits import make_model
from scipy.sparse import csr_array

from cotrain.allocation import rotations, subset_fit
from cotrain.features import Featurizer, ecfp, make_featurizer
from cotrain.serving import Figure, Manifest, ModelNote, TaskNote, TrainedModels
from cotrain.settings import LabelSettings, load_settings
from cotrain.tasks import TaskTable
from cotrain.training import make_learner
from cotrain.training.network import NetworkSettings

BITS = 128
GROUPS = ((0, 1, 2), (1, 3))
SERVING = (0, 1, 0, 1)  # task 1 is in both groups, and auxiliary in the first


def molecules() -> Featurizer:
    """What makes the features of the table."""
    settings = load_settings(Path(__file__).parents[2] / "params.yaml").prepare.features
    return make_featurizer(settings.model_copy(update={"bits": BITS}))


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
    )


def group_fits():
    """A fit for each of GROUPS, with validation and test folds."""
    rotation = rotations(5, 3, 1, 1, 7)[0]
    return [subset_fit(4, group, 3, rotation, "group") for group in GROUPS]


def make_models(table: TaskTable, learner=None) -> TrainedModels:
    """The models of GROUPS, trained on three of the folds."""
    learner = learner or make_learner(make_model())
    score = Figure(score="auroc", mean=0.8, low=0.7, high=0.9, n_repeats=5)
    return TrainedModels(
        Manifest(
            data_version="d" * 32,
            n_features=BITS,
            features=molecules().describe(),
            label=LabelSettings(kind="real", threshold=0.0, active="at_most", transform="none"),
            model=NetworkSettings(
                **learner.settings.model_dump(include=set(NetworkSettings.model_fields) - {"kind"})
            ),
            seed=7,
            train_folds=3,
            validated_folds=3,
            n_folds=5,
            similarity=[0.2 + 0.04 * mark for mark in range(21)],
            tasks=[
                TaskNote(
                    name=name,
                    kind=kind,
                    model=SERVING[task],
                    n_labels=100,
                    n_positive=50 if kind == "binary" else None,
                    test_scores=[score],
                )
                for task, (name, kind) in enumerate(zip(table.tasks, table.kinds, strict=True))
            ],
            models=[ModelNote(members=[table.tasks[task] for task in group]) for group in GROUPS],
        ),
        tuple(learner.fit(table, fit) for fit in group_fits()),
        table.features,
    )
