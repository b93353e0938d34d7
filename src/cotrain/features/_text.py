"""Text as weighted words."""

from typing import Annotated, Any, Literal, Self

import numpy as np
from scipy.sparse import csr_array

from cotrain.features._featurizer import Featurizer, Names
from cotrain.settings import Choice, Count, within
from cotrain.sources import RawTable
from cotrain.tasks import Features


class TextSettings(Choice):
    """Which column, how words become features, and how many of them.

    `tfidf` learns the words; `hashing` puts them into `max_features` places without learning.
    `words` are the longest runs of words that count as one; `min_examples` the fewest texts that
    a word of `tfidf` stands in.
    """

    kind: Literal["text"]
    column: str
    method: Literal["tfidf", "hashing"]
    max_features: Annotated[int, within(16, 2**20, "fewer tell no texts apart, more fill memory")]
    words: Annotated[int, within(1, 10, "longer runs hardly stand twice")]
    min_examples: Count


class Text(Featurizer):
    """TF-IDF or hashed counts of words and runs of words, each text of length 1; sparse."""

    Settings = TextSettings

    def names(self, raw: RawTable) -> Names:
        """Return the source's names; a record without text is rejected."""
        found = super().names(raw)
        texts = np.array(self._texts(raw), dtype=object)
        blank = np.array([not text.strip() for text in texts], dtype=bool)
        names, reasons = found.names.copy(), found.reasons.copy()
        names[blank], reasons[blank] = None, "no text"
        return Names(names, reasons)

    def fit(self, raw: RawTable) -> Self:
        if self.settings.method == "tfidf":
            vectoriser = self._vectoriser()
            try:
                vectoriser.fit(self._texts(raw))
            except ValueError:  # no word stands in so many texts
                vectoriser.set_params(min_df=1).fit(self._texts(raw))
            words = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.__getitem__)
            self.state = {"words": words, "rarity": vectoriser.idf_.tolist()}
        return self

    def transform(self, raw: RawTable) -> Features:
        vectoriser = self._vectoriser()
        if self.settings.method == "tfidf":
            vectoriser.vocabulary_ = {word: at for at, word in enumerate(self.state["words"])}
            vectoriser.idf_ = np.array(self.state["rarity"])
        found = csr_array(vectoriser.transform(self._texts(raw)), dtype=np.float32)
        found.sort_indices()
        return found

    def notes(self, raw: RawTable, features: Features) -> list[str]:  # noqa: ARG002
        n_without = int((np.diff(features.indptr) == 0).sum())
        said = f"{n_without} of {features.shape[0]} texts have no word among the features"
        return [f"{said}, so that all of theirs are 0"] if n_without else []

    def _texts(self, raw: RawTable) -> list[str]:
        column = raw.column(self.settings.column, "prepare.features.column")
        return [str(text) for text in column.fillna("").tolist()]

    def _vectoriser(self) -> Any:
        # Imported here, so that other features do not wait for scikit-learn.
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

        wanted: TextSettings = self.settings
        words: dict[str, Any] = {"ngram_range": (1, wanted.words), "token_pattern": r"(?u)\b\w+\b"}
        most = wanted.max_features
        if wanted.method == "hashing":
            return HashingVectorizer(n_features=most, alternate_sign=False, **words)
        fewest = wanted.min_examples
        return TfidfVectorizer(max_features=most, min_df=fewest, sublinear_tf=True, **words)
