"""Verdicts on networks trained for real, on made data whose transfer is known."""

import numpy as np
import pytest
from random_fits import make_model

from cotrain.allocation import augmentations, rotations
from cotrain.curves import Effects, pairwise_effects
from cotrain.preparation import prepare
from cotrain.scores import SCORES
from cotrain.settings import LabelSettings, PrepareSettings
from cotrain.sources import Synthetic, make_synthetic
from cotrain.training import FitResult, make_learner
from lab.domain_effects import domain_effects

N_REPEATS = 20
# Two tasks in each of two clusters, and a harmful one with ten labels for each of theirs.
SOURCE = Synthetic.Settings(
    kind="synthetic",
    n_examples=6000, n_tasks=5, n_clusters=2, n_features=128, label_rate=0.1, noise=0.3,
    harmful_tasks=1, seed=100,
)  # fmt: skip
PREPARE = PrepareSettings(
    labels=LabelSettings(kind="threshold", threshold=100, active="at_most", transform="none"),
    features={"kind": "given", "path": None}, split={"kind": "random"}, n_folds=10, seed=0,
)  # fmt: skip
MODEL = make_model(
    hidden=[32], dropout=0.0, epochs=60, batch_fraction=0.05, min_batch_size=32,
    learning_rate=0.01, decay_epochs=[45], decay_factor=0.3, weight_decay=0.0, patience=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    return make_synthetic(SOURCE).truth


@pytest.fixture(scope="module")
def scores():
    """Validation AUROC without, (R, 1, K), and with a fold more of each task, (R, 1, K, K)."""
    table = prepare(make_synthetic(SOURCE), PREPARE, [(0,)]).table
    fits = augmentations(5, [1], rotations(table.n_folds, 3, 3, N_REPEATS, seed=0))
    outcomes = make_learner(MODEL).evaluate(table, fits)
    assert all(isinstance(outcome, FitResult) for outcome in outcomes)
    auroc = np.stack([outcome.validation[:, list(SCORES).index("auroc")] for outcome in outcomes])
    grid = auroc.reshape(N_REPEATS, 1, 6, 5)
    return grid[:, :, 0], grid[:, :, 1:]


def test_the_harmful_task_alone_is_called_harmful(scores, truth):
    given: Effects = domain_effects(*scores)[0]
    assert (given.verdict == "hurts").tolist() == truth["harmful"].tolist()


def test_tasks_of_a_cluster_are_called_helpful(scores, truth):
    effects = pairwise_effects(*scores)
    cluster = truth["cluster"].to_numpy(dtype=float)
    same = (cluster[:, None] == cluster) & ~np.eye(5, dtype=bool)
    assert (effects.verdict[same] == "helps").all()
    assert effects.effect[-1, :-1].max() < effects.effect[same].min()
