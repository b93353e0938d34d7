"""How near a molecule is to those that models were trained on."""

import numpy as np
from scipy.sparse import csr_array

CHUNK = 512


def nearest_similarity(queries: csr_array, molecules: csr_array) -> np.ndarray:
    """Return the largest Tanimoto similarity of each query to any molecule, float64 (n_queries,).

    Tanimoto: bits in common over bits in either; both matrices hold ones where a bit is set, of
    shapes (n_queries, D) and (N, D).

    Examples
    --------
    >>> bits = csr_array([[1.0, 1, 0], [0, 1, 1]])
    >>> nearest_similarity(bits, csr_array([[1.0, 1, 1]]))
    array([0.66666667, 0.66666667])
    """
    sizes = np.diff(molecules.indptr)
    by_bit = csr_array(molecules.T)
    nearest = np.zeros(queries.shape[0])
    for first in range(0, len(nearest), CHUNK):
        chunk = csr_array(queries[first : first + CHUNK])
        common = (chunk @ by_bit).toarray()
        either = np.diff(chunk.indptr)[:, None] + sizes - common
        similarity = np.divide(common, either, out=np.zeros(common.shape), where=either > 0)
        nearest[first : first + CHUNK] = similarity.max(axis=1, initial=0.0)
    return nearest
