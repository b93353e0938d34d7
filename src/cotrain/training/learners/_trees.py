"""Ensembles of decision trees as plain arrays: small, quick to read, no code in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import logit

from cotrain.tasks import Features
from cotrain.training.learners._matrix import as_dense, as_matrix
from cotrain.training.learners._per_task import TaskModel, TrainedTasks

_CHUNK = 2**22
_TYPES = {
    "roots": np.int64,
    "feature": np.int32,
    "number": np.float64,
    "left": np.int32,
    "right": np.int32,
    "base": np.float64,
}
_OF_NODES = ("feature", "number", "left", "right")


@dataclass(frozen=True, eq=False)
class Trees(TaskModel):
    """A sum over trees of the value of the leaf that a row falls into."""

    roots: np.ndarray  # (n_trees,) of int64
    feature: np.ndarray  # (n_nodes,) of int32: the feature that a node asks for; -1 in a leaf
    # (n_nodes,) of float64: up to which the feature leads to the left; in a leaf, its value
    number: np.ndarray
    # (n_nodes,) of int32: the nodes below
    left: np.ndarray
    right: np.ndarray
    # (2,) of float64: what is added to the sum, and 1 if the sum is a probability, 0 if a logit or
    # a value
    base: np.ndarray

    @classmethod
    def of(cls, trees: Iterable[tuple[np.ndarray, ...]], base: float, is_probability: bool) -> Self:
        """The ensemble of trees of (feature, threshold, value, left, right), each (n_nodes,)."""
        parts, roots, n_nodes = [], [], 0
        for feature, threshold, value, left, right in trees:
            number = np.where(feature < 0, value, threshold)
            parts.append((feature, number, left + n_nodes, right + n_nodes))
            roots.append(n_nodes)
            n_nodes += feature.size
        nodes = (np.concatenate(part) for part in zip(*parts, strict=True))
        arrays = (roots, *nodes, (base, is_probability))
        kinds = zip(arrays, _TYPES.values(), strict=True)
        return cls(*(np.array(array, dtype=kind) for array, kind in kinds))

    def outputs(self, features: Features) -> np.ndarray:
        from cotrain.training.learners._compiled import leaf_sums

        matrix = as_matrix(features)
        if self.feature.max() >= matrix.shape[1]:
            raise ValueError(f"the trees ask for more than the {matrix.shape[1]} features given")
        size = max(1, _CHUNK // matrix.shape[1])
        parts = [np.empty(0)]
        for at in range(0, matrix.shape[0], size):
            rows = np.ascontiguousarray(as_dense(matrix[at : at + size]))
            parts.append(
                leaf_sums(rows, self.roots, self.feature, self.number, self.left, self.right)
            )
        total = np.concatenate(parts) + self.base[0]
        return np.asarray(logit(np.clip(total, 0, 1)) if self.base[1] else total)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The trees that `arrays` described, if they are trees: no node is above itself."""
        trees = super().from_arrays(arrays)
        own = trees.arrays()
        # What is compiled takes these alone, and looks no further.
        if any(own[name].dtype != kind or own[name].ndim != 1 for name, kind in _TYPES.items()):
            raise ValueError("its arrays are of other types")
        if len({own[name].size for name in _OF_NODES}) > 1 or own["base"].size != 2:
            raise ValueError("its arrays are of other sizes")
        node = np.arange(trees.feature.size)
        below = np.stack([trees.left, trees.right])[:, trees.feature >= 0]
        above = node[trees.feature >= 0]
        in_range = trees.roots.size and trees.roots.min() >= 0 and trees.roots.max() < node.size
        if not in_range or (below <= above).any() or (below >= node.size).any():
            raise ValueError("its nodes are no trees")
        return trees


class TrainedTrees(TrainedTasks):
    """An ensemble a member."""

    model = Trees


def of_forest(forest: Any, is_binary: bool) -> Trees:
    """The trees of a fitted scikit-learn forest."""
    trees, parts = [estimator.tree_ for estimator in forest.estimators_], []
    for tree in trees:
        value = tree.value[:, 0, int(is_binary)] / len(trees)
        parts.append((tree.feature, tree.threshold, value, tree.children_left, tree.children_right))
    return Trees.of(parts, 0.0, is_binary)


def of_boosting(boosting: Any, features: np.ndarray) -> Trees:
    """The trees of a fitted scikit-learn histogram boosting of one output, fitted to `features`."""
    parts = []
    for (predictor,) in boosting._predictors:
        node = predictor.nodes
        feature = np.where(node["is_leaf"], -1, features[node["feature_idx"]])
        left, right = node["left"].astype(np.int64), node["right"].astype(np.int64)
        parts.append((feature, node["num_threshold"], node["value"], left, right))
    return Trees.of(parts, float(boosting._baseline_prediction.ravel()[0]), False)
