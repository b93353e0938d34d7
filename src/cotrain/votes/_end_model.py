"""The model that is wanted: it learns from labels of rows, whoever gave them."""

from typing import Any

import numpy as np

from cotrain.tasks import Features
from cotrain.training.learners._linear import LinearSettings, mean_square, scaled
from cotrain.training.learners._matrix import as_matrix

# What another class gets of each probability, so that no class is ever impossible.
_DOUBT = 0.01


class EndModel:
    """Logistic regression of the classes, with the penalty of the learner `linear`.

    What it learnt of some labels is kept, for they come again.

    Parameters
    ----------
    features : csr_array or ndarray, (N, ...)
    n_classes : int
    """

    def __init__(self, features: Features, n_classes: int) -> None:
        self._features = as_matrix(features)
        self._n_classes = n_classes
        self._learnt: dict[bytes, Any] = {}

    def log_probabilities(self, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Log probabilities of the classes, (n_rows, n_classes), learnt from labels.

        Parameters
        ----------
        labels : ndarray of int, (N,)
            The class of each row to train on; -1: none.
        rows : ndarray of int, (n_rows,)
            The rows to predict.
        """
        probability = np.zeros((rows.size, self._n_classes))
        counts = np.bincount(labels[labels >= 0], minlength=self._n_classes)
        classes = np.flatnonzero(counts)
        if classes.size < 2:
            probability[:, classes] = 1.0
        else:
            key = labels.tobytes()
            if key not in self._learnt:
                self._learnt[key] = self._learn(labels)
            probability[:, classes] = self._learnt[key].predict_proba(self._features[rows])
        share = (counts + 1) / (counts + 1).sum()
        return np.asarray(np.log((1 - _DOUBT) * probability + _DOUBT * share))

    def _learn(self, labels: np.ndarray) -> Any:
        from sklearn.linear_model import LogisticRegression

        seen = np.flatnonzero(labels >= 0)
        matrix, centre, spread = scaled(self._features[seen])
        strength = LinearSettings().strength / mean_square(matrix)
        model = LogisticRegression(C=strength, max_iter=10_000).fit(matrix, labels[seen])
        # On the scale of the features as they are.
        model.coef_ = model.coef_ / spread
        model.intercept_ = model.intercept_ - model.coef_ @ centre
        return model
