"""Folds of whole clusters of similar molecules."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.features import ecfp
from cotrain.features._molecules import tanimoto
from cotrain.settings import Choice, within
from cotrain.sources import RawTable
from cotrain.splits._balance import group_folds, split_giants
from cotrain.splits._splitter import Folds, Splitter, distinct

_BITS = 1024


class ClusterSettings(Choice):
    """Which column holds SMILES, and how molecules are clustered."""

    kind: Literal["cluster"]
    column: str
    method: Literal["butina", "kmeans"]
    cutoff: Annotated[float, Field(gt=0, lt=1)]
    max_butina: Annotated[int, within(1, 100_000, "memory grows with the square")] = 20_000


class ClusterSplitter(Splitter):
    """No cluster of similar molecules in two folds.

    `butina` (Butina, J. Chem. Inf. Comput. Sci. 1999, 39, 747) puts a molecule to others whose
    Tanimoto distance is at most `cutoff`, of ECFP4 bits; its time and memory grow with the square
    of the molecules, so that beyond `max_butina` it is refused. `kmeans` makes ten clusters a
    fold of the same bits.
    """

    Settings = ClusterSettings

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        wanted: ClusterSettings = self.settings
        smiles = raw.column(wanted.column, "prepare.split.column").iloc[distinct(raw)].tolist()
        try:
            bits = ecfp(smiles, 2, _BITS)
        except ValueError as error:
            raise DataError(f"`prepare.split.column`: {error}") from error
        if wanted.method == "kmeans":
            cluster = _kmeans(bits, min(10 * n_folds, len(smiles)), seed)
        elif len(smiles) > wanted.max_butina:
            raise DataError(
                f"`prepare.split.method`: butina would compare {len(smiles)} molecules pair by "
                "pair; set it to kmeans"
            )
        else:
            cluster = _butina(bits, wanted.cutoff)
        names = np.array([f"cluster {at}" for at in cluster], dtype=object)
        groups, notes = split_giants(names, n_folds, seed, split=True)
        return Folds(group_folds(groups, labels, n_folds, seed), names, tuple(notes))


def _butina(bits: csr_array, cutoff: float) -> np.ndarray:
    """The cluster of each molecule, the largest first: Butina's rule on sparse neighbours."""
    neighbours = []
    for first in range(0, bits.shape[0], 512):
        found = tanimoto(csr_array(bits[first : first + 512]), bits) >= 1 - cutoff
        neighbours += [np.flatnonzero(row) for row in found]
    order = np.argsort([-row.size for row in neighbours], kind="stable")
    cluster = np.full(bits.shape[0], -1, dtype=np.int64)
    n_clusters = 0
    for centre in order:
        if cluster[centre] < 0:
            free = neighbours[centre][cluster[neighbours[centre]] < 0]
            cluster[free] = cluster[centre] = n_clusters
            n_clusters += 1
    return cluster


def _kmeans(bits: csr_array, n_clusters: int, seed: int) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.preprocessing import normalize

    # scikit-learn takes 32-bit indices alone.
    small = csr_array((bits.data, bits.indices.astype(np.int32), bits.indptr.astype(np.int32)))
    small.resize(bits.shape)
    model = MiniBatchKMeans(n_clusters, random_state=seed, batch_size=4096, n_init=1)
    return np.asarray(model.fit_predict(normalize(small)), dtype=np.int64)
