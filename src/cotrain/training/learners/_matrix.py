"""Features, sparse or dense and of any shape, as the matrices that estimators take."""

import math

import numpy as np
from scipy.sparse import csr_array, issparse

from cotrain.tasks import Features

# Entries up to which a matrix is made dense where that is faster: 256 MB of float32.
_DENSE_ENTRIES = 2**26


def as_matrix(features: Features) -> Features:
    """The features as a csr_array with 32-bit indices, or as an ndarray (n, D), of float32."""
    if not issparse(features):
        dense = np.asarray(features, dtype=np.float32)
        return dense.reshape(dense.shape[0], math.prod(dense.shape[1:]))
    # scikit-learn's trees refuse indices of 64 bits.
    indices = features.indices.astype(np.int32, copy=False)
    start = features.indptr.astype(np.int32, copy=False)
    data = features.data.astype(np.float32, copy=False)
    return csr_array((data, indices, start), shape=features.shape)


def as_dense(features: Features) -> np.ndarray:
    """The features as an ndarray of float32, (n, D)."""
    matrix = as_matrix(features)
    return np.asarray(matrix.toarray() if issparse(matrix) else matrix)


def dense_if_small(features: Features) -> Features:
    """As `as_dense` if that takes little memory, else as `as_matrix`."""
    matrix = as_matrix(features)
    return as_dense(matrix) if np.prod(matrix.shape) <= _DENSE_ENTRIES else matrix
