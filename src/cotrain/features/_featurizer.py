"""What a featurizer is: a raw table in, dense or sparse features out, and how alike they are."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, issparse

from cotrain.exceptions import DataError
from cotrain.registry import FEATURIZERS, Noun
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.tasks import Features

CHUNK = 512


@dataclass(frozen=True, eq=False)
class Names:
    """What each record is called, and why some cannot be used.

    Attributes
    ----------
    names : ndarray of str or None, (R,)
        Records of one name are one example; None: the record is rejected.
    reasons : ndarray of str, (R,)
        Why a record is rejected; else "".
    """

    names: np.ndarray
    reasons: np.ndarray


class Featurizer(Noun):
    """Features of examples; its settings are the section `prepare.features` of params.yaml.

    Its description, of plain JSON values, makes it again without the data that it was fitted to:
    the task table carries it, so that new examples get the same features.
    """

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.state: dict[str, Any] = {}

    def names(self, raw: RawTable) -> Names:
        """Return what each record is called: by default as the source called it."""
        return Names(raw.names, np.full(raw.names.size, "", dtype=object))

    def fit(self, raw: RawTable) -> Self:  # noqa: ARG002 - few featurizers need it
        """Learn what `transform` needs, such as means; returns itself."""
        return self

    @abstractmethod
    def transform(self, raw: RawTable) -> Features:
        """Return features of float32, (R, ...), sparse with two axes or dense; all finite.

        DataError if a record has no features.
        """

    def notes(self, raw: RawTable, features: Features) -> list[str]:  # noqa: ARG002
        """Return what users should know of the features that `transform` made of `raw`."""
        return []

    def similarity(self, queries: Features, known: Features) -> np.ndarray:
        """Return how alike rows of features are, 0 to 1, float64 (n_queries, n_known).

        By default 1 / (1 + d) of the root mean squared difference d; cosines for sparse features.
        """
        if issparse(queries):
            return _cosine(csr_array(queries), csr_array(known))
        a, b = (np.asarray(part).reshape(len(part), -1).astype(float) for part in (queries, known))
        squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        return 1 / (1 + np.sqrt(np.maximum(squares, 0) / max(a.shape[1], 1)))

    def describe(self) -> dict[str, Any]:
        """Return all that is needed to make it again, as plain JSON values."""
        settings = self.settings.model_dump(mode="json")
        return {"kind": settings["kind"], "settings": settings, "state": self.state}


def make_featurizer(settings: Choice) -> Featurizer:
    """Return the featurizer that `settings.kind` names."""
    return FEATURIZERS.find(settings.kind)(settings)


def featurizer_of(description: dict[str, Any]) -> Featurizer:
    """Return the featurizer that gave `description`.

    DataError if it is no such description, or of a kind that is not installed.
    """
    try:
        kind = FEATURIZERS.find(description["kind"])
        made: Featurizer = kind(kind.Settings.model_validate(description["settings"]))
        made.state = description["state"]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"features cannot be made anew ({error}); install their package") from error
    return made


def nearest(featurizer: Featurizer, queries: Features, known: Features) -> np.ndarray:
    """Return the largest similarity of each query to any known row, float64 (n_queries,)."""
    found = np.zeros(queries.shape[0])
    for first in range(0, found.size, CHUNK):
        part = slice(first, first + CHUNK)
        found[part] = featurizer.similarity(queries[part], known).max(axis=1, initial=0.0)
    return found


def _cosine(queries: csr_array, known: csr_array) -> np.ndarray:
    lengths = [np.sqrt(part.multiply(part).sum(axis=1)) for part in (queries, known)]
    products = np.asarray((queries @ known.T).toarray(), dtype=np.float64)
    scale = lengths[0][:, None] * lengths[1]
    found = np.divide(products, scale, out=np.zeros(products.shape), where=scale > 0)
    return np.asarray(np.clip(found, 0, 1))
