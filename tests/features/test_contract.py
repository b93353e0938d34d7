"""Every featurizer through the public contract."""

import numpy as np
import pytest
from molecules import some_molecules
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.features import ecfp, make_featurizer
from cotrain.features._columns import Columns
from cotrain.features._given import Given
from cotrain.features._images import Images
from cotrain.features._molecules import Molecules
from cotrain.features._text import Text
from cotrain.testing import FeaturizerContract, raw_table

SMILES = some_molecules()[::29]
WORDS = ["free money now", "see you at home", "call now", "money at home", "free call now"]


def molecules(*parts: str) -> Molecules:
    return Molecules(
        Molecules.Settings(
            kind="molecules", column="s", standardise="parent", stereo="keep", max_atoms=99,
            parts=list(parts), radius=2, bits=64,
        )
    )  # fmt: skip


class TestBits(FeaturizerContract):
    def make(self):
        return molecules("bits")

    def raw(self):
        return raw_table({"s": SMILES})

    def test_bits_are_those_of_rdkit_as_before(self):
        assert (self.make().transform(self.raw()) != ecfp(SMILES, 2, 64)).nnz == 0


class TestCounts(TestBits):
    def make(self):
        return molecules("counts")

    def test_bits_are_those_of_rdkit_as_before(self):
        bits, counts = ecfp(SMILES, 2, 64), self.make().transform(self.raw())
        np.testing.assert_array_equal(counts.indices, bits.indices)
        assert counts.data.min() == pytest.approx(np.log(2))
        assert counts.data.max() > 1


class TestDescriptors(FeaturizerContract):
    def make(self):
        return molecules("descriptors")

    def raw(self):
        return raw_table({"s": SMILES[:8]})

    def test_no_descriptor_outweighs_the_others(self):
        raw = raw_table({"s": [*SMILES[:7], "[Xe]"]})
        found = self.make().fit(raw).transform(raw)
        assert isinstance(found, np.ndarray)
        assert np.abs(found).max() <= 5


class TestUnion(TestDescriptors):
    def make(self):
        return molecules("descriptors", "bits")

    def test_no_descriptor_outweighs_the_others(self):
        raw = self.raw()
        joined = self.make().fit(raw).transform(raw).toarray()
        dense = molecules("descriptors").fit(raw).transform(raw)
        np.testing.assert_array_equal(joined[:, : dense.shape[1]], dense)
        np.testing.assert_array_equal(
            joined[:, dense.shape[1] :], ecfp(SMILES[:8], 2, 64).toarray()
        )


class TestColumns(FeaturizerContract):
    def make(self):
        return Columns(Columns.Settings(kind="columns", columns=["age", "job"], min_examples=1))

    def raw(self):
        return raw_table({"age": ["20", "30", "NA", "40", "1000"], "job": ["a", "b", "a", "", "c"]})

    def test_numbers_are_scaled_categories_one_hot_and_gaps_told(self):
        found = self.make().fit(self.raw()).transform(self.raw())
        # age, its gap, a, b, c, any other job
        assert found.shape == (5, 6)
        assert found[:, 1].tolist() == [0, 0, 1, 0, 0]
        assert found[2, 0] == 0
        assert np.abs(found[:, 0]).max() <= 5
        assert found[0, 0] < found[1, 0] < found[3, 0]
        assert found[:, 2:].tolist() == [
            [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0],
        ]  # fmt: skip

    def test_a_category_that_was_not_seen_is_another(self):
        new = raw_table({"age": ["25"], "job": ["judge"]})
        assert self.make().fit(self.raw()).transform(new)[0, 2:].tolist() == [0, 0, 0, 1]

    def test_columns_of_one_value_and_cells_that_are_no_numbers_are_told(self):
        cells = [str(at) for at in range(11)]
        raw = raw_table({"age": [*cells, "inf"], "job": ["", "a"] * 6})
        made = self.make().fit(raw)
        (note,) = made.notes(raw, made.transform(raw))
        assert note == "cells that are no finite numbers count as the median: 1 of `age`"
        raw = raw_table({"age": ["7"] * 3, "job": ["a", "b", "a"]})
        made = self.make().fit(raw)
        (note,) = made.notes(raw, made.transform(raw))
        assert note == "columns of one value alone, which tell nothing: `age`"


@pytest.mark.parametrize("method", ["tfidf", "hashing"])
class TestText(FeaturizerContract):
    @pytest.fixture(autouse=True)
    def _with(self, method):
        self.method = method

    def make(self):
        return Text(
            Text.Settings(
                kind="text", column="body", method=self.method, max_features=512, words=2,
                min_examples=1,
            )
        )  # fmt: skip

    def raw(self):
        return raw_table({"body": WORDS})

    def test_a_record_without_text_is_refused(self):
        found = self.make().names(raw_table({"body": ["a", " "]}))
        assert found.names.tolist() == ["example 0000", None]
        assert found.reasons.tolist() == ["", "no text"]

    def test_texts_without_a_word_are_counted(self):
        made, raw = self.make().fit(self.raw()), raw_table({"body": ["!", WORDS[0]]})
        assert made.notes(self.raw(), made.transform(self.raw())) == []
        (note,) = made.notes(raw, made.transform(raw))
        assert note == "1 of 2 texts have no word among the features, so that all of theirs are 0"


class TestGiven(FeaturizerContract):
    path: str | None = None
    id: str | None = None

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        values = np.arange(20, dtype=np.float64).reshape(4, 5)
        names = [f"example {at:04d}" for at in (3, 1, 0, 2)]
        np.savez(tmp_path / "given.npz", values=values, names=names)
        self.path = str(tmp_path / "given.npz")

    def make(self):
        return Given(Given.Settings(kind="given", path=self.path, array="values", id="names"))

    def raw(self):
        return raw_table({"a": list("wxyz")})

    def test_features_are_found_by_the_names_of_the_examples(self):
        found = self.make().transform(self.raw())
        assert found[:, 0].tolist() == [10, 5, 15, 0]

    @pytest.mark.parametrize("kind", [np.asarray, csr_array])
    def test_features_of_one_value_are_counted(self, kind):
        raw, made = self.raw(), self.make()
        features = made.transform(raw)
        assert made.notes(raw, kind(features)) == []
        features[:, 1], features[:, 3] = 7, 0
        assert made.notes(raw, kind(features)) == ["2 of 5 features hold one value alone"]

    def test_examples_without_features_are_counted(self):
        raw = raw_table({"a": list("wxyzuv")})
        with pytest.raises(DataError, match="2 of 6 examples have no features, the first is `exam"):
            self.make().transform(raw)


class TestImages(FeaturizerContract):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        images = np.random.default_rng(0).integers(0, 255, (4, 6, 7), dtype=np.uint8)
        np.savez(tmp_path / "images.npz", images=images, labels=np.arange(4))
        self.path = str(tmp_path / "images.npz")

    def make(self):
        return Images(Images.Settings(kind="images", path=self.path, array="images"))

    def raw(self):
        return raw_table({"a": list("wxyz")})

    def test_images_keep_their_axes_and_are_scaled(self):
        found = self.make().fit(self.raw()).transform(self.raw())
        assert found.shape == (4, 1, 6, 7)
        assert abs(found.mean()) < 1e-5
        assert found.std() == pytest.approx(1, abs=1e-4)

    def test_images_that_are_missing_are_counted_among_all(self):
        with pytest.raises(DataError, match="2 of 6 examples have no features, the first is"):
            self.make().names(raw_table({"a": list("wxyzuv")}))

    def test_images_that_are_all_alike_are_told(self):
        made, raw = self.make(), self.raw()
        features = made.fit(raw).transform(raw)
        assert made.notes(raw, features) == []
        (note,) = made.notes(raw, np.zeros_like(features))
        assert note == "all images are alike, which tells nothing"

    def test_channels_that_stand_last_are_refused(self, tmp_path):
        np.savez(tmp_path / "last.npz", images=np.zeros((4, 6, 7, 3)))
        wrong = Images(Images.Settings(kind="images", path=str(tmp_path / "last.npz")))
        with pytest.raises(DataError, match="channels stand last in the shape .4, 6, 7, 3."):
            wrong.fit(self.raw())

    def test_an_array_of_the_wrong_shape_is_refused(self):
        wrong = Images(Images.Settings(kind="images", path=self.path, array="labels"))
        with pytest.raises(DataError, match="images must have the axes"):
            wrong.fit(self.raw())


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        ({"a": [[1.0], [np.inf]]}, {}, "1 features are not finite; fill or remove them"),
        ({"a": [["x"], ["y"]]}, {}, "features must be numbers"),
        ({"a": [[1.0], [2.0]], "b": [1.0]}, {}, "holds the arrays a, b; name one"),
        ({"a": [[1.0], [2.0]]}, {"array": "c"}, "holds no .*c"),
        ({"a": [[1.0]]}, {}, "1 of 2 examples have no features"),
        ({"a": [[1.0], [2.0]], "i": ["p", "p"]}, {"array": "a", "id": "i"}, "`p` stands twice"),
    ],
)
def test_files_of_features_that_do_not_fit(tmp_path, arrays, settings, message):
    np.savez(tmp_path / "f.npz", **{name: np.array(value) for name, value in arrays.items()})
    made = make_featurizer(
        Given.Settings(**{"kind": "given", "path": str(tmp_path / "f.npz")} | settings)
    )
    with pytest.raises(DataError, match=message) as caught:
        made.transform(raw_table({"x": ["1", "2"]}))
    assert "\n" not in str(caught.value)
