"""Made data whose transfer is known."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.sparse import csr_array

from cotrain.settings import Choice, Count, Seed, within
from cotrain.sources._raw import RawTable, Source, summary_row

# Share of the features that an example has.
DENSITY = 0.1
# Cosine between the weights of two tasks of one cluster, at least about 0.9.
OWN_DIRECTION = 0.3
MIDDLE = 100.0  # nM


class SyntheticSettings(Choice):
    """How much is made, and how the tasks hang together."""

    kind: Literal["synthetic"]
    n_examples: Count
    n_tasks: Annotated[int, within(1, 10_000, "pairs of tasks fill memory")]
    n_clusters: Count
    n_features: Annotated[int, within(1, 100_000, "they fill memory")]
    label_rate: Annotated[float, Field(gt=0, le=1)]
    noise: Annotated[float, within(0, 1e6, "nothing would be left to learn")]
    harmful_tasks: Annotated[int, within(0, 10_000, "pairs of tasks fill memory")]
    seed: Seed


class Synthetic(Source):
    """Made data with a known transfer structure; see `make_synthetic`."""

    Settings = SyntheticSettings

    def read(self, folder: Path) -> RawTable:  # noqa: ARG002
        return make_synthetic(self.settings)


def make_synthetic(source: SyntheticSettings) -> RawTable:
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
    labelled = np.flatnonzero(known.any(axis=1))
    record = np.cumsum(known.any(axis=1)) - 1
    task, example = np.nonzero(known.T)
    where = {"file": "synthetic", "row": labelled + 2, "example": example_names[labelled]}
    records = pd.DataFrame(where)
    value = MIDDLE * 10 ** -score[example, task]
    measured = {"record": record[example], "task": names[task], "value": value, "relation": ""}
    values = pd.DataFrame(measured)
    harmful = np.arange(source.n_tasks) >= n_useful
    clusters = pd.array([*cluster, *[None] * source.harmful_tasks], dtype="Int64")
    return RawTable(
        records,
        pd.DataFrame(index=records.index),
        values,
        pd.DataFrame([summary_row("made", records["example"][values["record"]], values["task"])]),
        csr_array(features[labelled]),
        pd.DataFrame({"task": names, "cluster": clusters, "harmful": harmful}),
    )


def _names(prefix: str, count: int) -> np.ndarray:
    width = len(str(count - 1))
    return np.array([f"{prefix}_{at:0{width}d}" for at in range(count)], dtype=object)
