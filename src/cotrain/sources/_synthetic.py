import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.settings import SyntheticSource
from cotrain.sources._measurements import COLUMNS, Measurements, summary_row

# Share of the features that an example has.
DENSITY = 0.1
# Cosine between the weights of two tasks of one cluster, at least about 0.9.
OWN_DIRECTION = 0.3
MIDDLE = 100.0  # nM


def make_synthetic(source: SyntheticSource) -> Measurements:
    """Return made measurements whose transfer is known, as concentrations around 100 nM.

    An example has random binary features x. The score behind a label of task i is w_i·x,
    standardised, plus Gaussian noise of standard deviation `source.noise`; the value is
    100 nM · 10^-score, so that `threshold: 100` and `active: at_most` label by the score's sign.

    - *Clusters*: the weights w_i of one cluster's tasks point nearly the same way, and those of
      two clusters are independent. Tasks of a cluster help each other.
    - *Harmful tasks* come last, and every example has a label of each. They weigh the same
      features in ways unrelated to all clusters, and by the number of their labels they take the
      shared layers over. So `label_rate` says how much they hurt: clearly at 0.1, where they have
      ten labels for each of another task, little at 0.3; and the less, the wider the layers
      (docs/results/curves.md has figures).

    `truth` has the columns task, cluster (missing for harmful tasks) and harmful.
    """
    rng = np.random.default_rng(source.seed)
    features = (rng.random((source.n_examples, source.n_features)) < DENSITY).astype(np.float32)
    n_useful = source.n_tasks - source.harmful_tasks
    cluster = np.arange(n_useful) % source.n_clusters
    centres = rng.standard_normal((source.n_clusters, source.n_features))
    own = rng.standard_normal((n_useful, source.n_features))
    weights = centres[cluster] + OWN_DIRECTION * own
    weights = np.vstack([weights, rng.standard_normal((source.harmful_tasks, source.n_features))])
    score = features @ weights.T
    score = (score - score.mean(axis=0)) / score.std(axis=0)
    score += source.noise * rng.standard_normal(score.shape)
    known = rng.random(score.shape) < source.label_rate
    known[:, n_useful:] = True
    names = _names("task", source.n_tasks)
    example_names = _names("example", source.n_examples)
    task, example = np.nonzero(known.T)
    table = pd.DataFrame(
        {
            "file": "synthetic",
            "row": np.arange(task.size) + 2,
            "example": example_names[example],
            "smiles": None,
            "task": names[task],
            "value": MIDDLE * 10 ** -score[example, task],
        },
        columns=list(COLUMNS),
    )
    harmful = np.arange(source.n_tasks) >= n_useful
    clusters = pd.array([*cluster, *[None] * source.harmful_tasks], dtype="Int64")
    truth = pd.DataFrame({"task": names, "cluster": clusters, "harmful": harmful})
    labelled = csr_array(features[known.any(axis=1)])
    return Measurements(table, pd.DataFrame([summary_row("made", table)]), labelled, truth)


def _names(prefix: str, count: int) -> np.ndarray:
    width = len(str(count - 1))
    return np.array([f"{prefix}_{at:0{width}d}" for at in range(count)], dtype=object)
