"""Molecules as fingerprints and descriptors.

Most of RDKit is imported where it is used: every command reads the settings, few see a molecule.
"""

from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
import rdkit  # noqa: F401 (where it is missing, that is told at once)
from pydantic import Field
from scipy.sparse import csr_array, hstack

from cotrain.exceptions import DataError
from cotrain.features._columns import apply_scale, fit_scale
from cotrain.features._featurizer import Featurizer, Names
from cotrain.settings import Choice, within
from cotrain.sources import RawTable
from cotrain.tasks import Features


class MoleculeSettings(Choice):
    """Which column holds SMILES, how molecules are named, and what features are made of them."""

    kind: Literal["molecules"]
    column: str
    standardise: Literal["parent", "none"]
    stereo: Literal["keep", "drop"]
    max_atoms: Annotated[int, within(1, 10_000, "RDKit takes minutes for larger molecules")]
    parts: Annotated[list[Literal["bits", "counts", "descriptors"]], Field(min_length=1)]
    radius: Annotated[int, within(0, 10, "larger environments are whole molecules")]
    bits: Annotated[int, within(16, 2**20, "fewer tell no molecules apart, more fill memory")]


class Molecules(Featurizer):
    """ECFP as bits or counts, RDKit's descriptors, or several of them side by side.

    Examples are named by canonical SMILES, so that all writings of a molecule, and with
    `standardise: parent` its salts, are one example. Features are sparse unless descriptors alone
    are chosen. A descriptor is scaled by its median and quartiles and cut at ±5; what RDKit
    cannot compute is 0, the median.
    """

    Settings = MoleculeSettings

    def __init__(self, settings: MoleculeSettings) -> None:
        super().__init__(settings)
        self._named: dict[str, tuple[str | None, str]] = {}
        self._described: dict[str, np.ndarray] = {}

    def names(self, raw: RawTable) -> Names:
        found = [self._named[text] for text in self._texts(raw)]
        names = np.array([name for name, _ in found], dtype=object)
        reasons = np.array([reason for _, reason in found], dtype=object)
        return Names(names, reasons)

    def fit(self, raw: RawTable) -> Self:
        if "descriptors" in self.settings.parts:
            self.state = {"scale": fit_scale(self._descriptors(self._canonical(raw)))}
        return self

    def transform(self, raw: RawTable) -> Features:
        from cotrain.features._smiles import ecfp

        wanted: MoleculeSettings = self.settings
        smiles = self._canonical(raw)
        parts: list[csr_array] = []
        for part in dict.fromkeys(wanted.parts):
            if part == "descriptors":
                dense = apply_scale(self._descriptors(smiles), self.state["scale"])
                if set(wanted.parts) == {"descriptors"}:
                    return dense
                parts.append(csr_array(dense))
            else:
                parts.append(ecfp(smiles, wanted.radius, wanted.bits, counts=(part == "counts")))
        if len(parts) == 1:
            return parts[0]
        joined = csr_array(hstack(parts, format="csr"))
        joined.sort_indices()
        return joined

    def similarity(self, queries: Features, known: Features) -> np.ndarray:
        """Return Tanimoto similarities of the bits or counts, else as for other dense features."""
        wanted: MoleculeSettings = self.settings
        if set(wanted.parts) == {"descriptors"}:
            return super().similarity(queries, known)
        behind = queries.shape[1] - wanted.bits * (len(set(wanted.parts)) - 1)
        first = behind if wanted.parts[0] == "descriptors" else 0
        span = slice(first, first + wanted.bits)
        return tanimoto(csr_array(queries[:, span]), csr_array(known[:, span]))

    def _texts(self, raw: RawTable) -> list[str]:
        """The texts of the column; each new one is named."""
        from cotrain.features._smiles import standard_names

        wanted: MoleculeSettings = self.settings
        column: pd.Series = raw.column(wanted.column, "prepare.features.column")
        texts = column.fillna("").astype(str).tolist()
        new = [text for text in dict.fromkeys(texts) if text not in self._named]
        found = standard_names(
            new,
            parent=wanted.standardise == "parent",
            stereo=wanted.stereo == "keep",
            max_atoms=wanted.max_atoms,
        )
        self._named.update(zip(new, found, strict=True))
        return texts

    def _descriptors(self, smiles: list[str]) -> np.ndarray:
        """Describe each new molecule once, which takes RDKit some 10 ms."""
        from cotrain.features._descriptors import descriptors

        new = [one for one in dict.fromkeys(smiles) if one not in self._described]
        self._described.update(zip(new, descriptors(new), strict=True))
        return np.array([self._described[one] for one in smiles])

    def _canonical(self, raw: RawTable) -> list[str]:
        smiles = []
        for text in self._texts(raw):
            name, reason = self._named[text]
            if name is None:
                raise DataError(f"{text!r} has no features: {reason}; leave it out")
            smiles.append(name)
        return smiles


def tanimoto(queries: csr_array, known: csr_array) -> np.ndarray:
    """Return bits in common over bits in either, float64 (n_queries, n_known); 0 without bits.

    Examples
    --------
    >>> tanimoto(csr_array([[1.0, 1, 0], [0, 1, 1]]), csr_array([[1.0, 1, 1]]))
    array([[0.66666667],
           [0.66666667]])
    """
    bits = [
        csr_array((np.ones(part.nnz), part.indices, part.indptr), part.shape)
        for part in (queries, known)
    ]
    common = (bits[0] @ csr_array(bits[1].T)).toarray()
    either = np.diff(queries.indptr)[:, None] + np.diff(known.indptr) - common
    return np.asarray(np.divide(common, either, out=np.zeros(common.shape), where=either > 0))
