"""Contracts of sources, featurizers and splitters, as tests.

With pytest, derive a class and say how yours is made::

    class TestMine(FeaturizerContract):
        def make(self):
            return Mine(Mine.Settings(kind="mine"))

        def raw(self):
            return raw_table({"a": ["1", "2"]})
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, issparse

from cotrain.features import Featurizer, featurizer_of
from cotrain.sources import RawTable, Source
from cotrain.splits import Splitter, distinct
from cotrain.tasks import Features


def raw_table(
    inputs: Mapping[str, Sequence[object]],
    values: Sequence[tuple[int, str, float]] = (),
    features: csr_array | np.ndarray | None = None,
    examples: Sequence[str] | None = None,
) -> RawTable:
    """Return a raw table of columns, with values as (record, task, value).

    Examples
    --------
    >>> raw_table({"smiles": ["C", "CC"]}, [(0, "t", 1.0)]).tasks
    ('t',)
    """
    frame = pd.DataFrame(dict(inputs))
    size = len(frame) if len(frame.columns) else (0 if features is None else features.shape[0])
    names = list(examples) if examples is not None else [f"example {at:04d}" for at in range(size)]
    records = pd.DataFrame({"file": "made", "row": range(2, size + 2), "example": names})
    measured = pd.DataFrame(list(values), columns=["record", "task", "value"])
    measured = measured.astype({"record": np.int64, "value": np.float64}).assign(relation="")
    frame.index = records.index
    return RawTable(records, frame, measured, pd.DataFrame(), features)


class FeaturizerContract:
    """What any `Featurizer` must do."""

    def make(self) -> Featurizer:
        """A new one, not fitted."""
        raise NotImplementedError

    def raw(self) -> RawTable:
        """At least two records that have features, and tell most of them apart."""
        raise NotImplementedError

    def test_names_are_one_a_record_and_a_reason_stands_where_there_is_none(self) -> None:
        raw = self.raw()
        found = self.make().names(raw)
        assert len(found.names) == len(found.reasons) == len(raw.records)
        for name, reason in zip(found.names, found.reasons, strict=True):
            assert (name is None) == bool(reason)

    def test_features_are_finite_numbers_one_row_a_record(self) -> None:
        raw = self.raw()
        found = self.make().fit(raw).transform(raw)
        assert found.shape[0] == len(raw.records)
        assert found.dtype == np.float32
        assert np.isfinite(_dense(found)).all()
        if issparse(found):
            assert found.has_sorted_indices

    def test_the_same_records_give_the_same_features_in_any_order(self) -> None:
        raw = self.raw()
        made = self.make().fit(raw)
        order = np.random.default_rng(0).permutation(len(raw.records))
        turned = made.transform(raw.take(order))
        np.testing.assert_array_equal(_dense(turned), _dense(made.transform(raw))[order])

    def test_fitting_again_gives_the_same(self) -> None:
        raw = self.raw()
        one, two = self.make().fit(raw), self.make().fit(raw)
        np.testing.assert_array_equal(_dense(one.transform(raw)), _dense(two.transform(raw)))

    def test_its_description_makes_it_again_through_plain_json(self) -> None:
        raw = self.raw()
        made = self.make().fit(raw)
        text = json.dumps(made.describe(), allow_nan=False)
        again = featurizer_of(json.loads(text))
        np.testing.assert_array_equal(_dense(again.transform(raw)), _dense(made.transform(raw)))
        assert json.dumps(again.describe(), allow_nan=False) == text

    def test_similarity_is_highest_to_itself(self) -> None:
        raw = self.raw()
        made = self.make().fit(raw)
        features = made.transform(raw)
        found = made.similarity(features, features)
        assert found.shape == (len(raw.records), len(raw.records))
        assert found.min() >= 0
        assert found.max() <= 1 + 1e-9
        own = np.diag(found)
        filled = np.abs(_dense(features).reshape(len(own), -1)).sum(axis=1) > 0
        assert (own[filled] >= found[filled].max(axis=1) - 1e-6).all()


class SplitterContract:
    """What any `Splitter` must do."""

    n_folds = 4

    def make(self) -> Splitter:
        """A new one."""
        raise NotImplementedError

    def raw(self) -> RawTable:
        """Records that it can split into `n_folds` folds; some may be one example."""
        raise NotImplementedError

    def labels(self, raw: RawTable) -> csr_array:
        """Two tasks with gaps, of the distinct examples."""
        rng = np.random.default_rng(1)
        values = rng.integers(0, 2, (len(distinct(raw)), 2)).astype(np.float32)
        row, column = np.nonzero(rng.random(values.shape) < 0.8)
        return csr_array((values[row, column], (row, column)), shape=values.shape)

    def split(self, seed: int = 0) -> Any:
        raw = self.raw()
        return self.make().folds(raw, self.labels(raw), self.n_folds, seed)

    def test_every_example_has_one_fold_and_a_reason(self) -> None:
        found = self.split()
        size = len(distinct(self.raw()))
        assert found.folds.shape == (size,)
        assert len(found.groups) == size
        assert np.issubdtype(found.folds.dtype, np.integer)
        assert set(found.folds.tolist()) <= set(range(self.n_folds))

    def test_the_same_seed_gives_the_same_folds(self) -> None:
        np.testing.assert_array_equal(self.split(3).folds, self.split(3).folds)

    def test_no_fold_is_empty(self) -> None:
        assert len(set(self.split().folds.tolist())) == self.n_folds

    def test_notes_are_sentences_of_one_line(self) -> None:
        for note in self.split().notes:
            assert note.strip()
            assert "\n" not in note


class SourceContract:
    """What any `Source` must do."""

    def make(self) -> Source:
        """A new one."""
        raise NotImplementedError

    def folder(self, tmp_path: Path) -> Path:
        """A folder in which it finds what it needs."""
        return tmp_path

    def test_it_reads_a_table_that_can_be_kept(self, tmp_path: Path) -> None:
        raw = self.make().read(self.folder(tmp_path))
        raw.save(tmp_path / "kept")
        again = RawTable.load(tmp_path / "kept")
        assert again.tasks == raw.tasks
        pd.testing.assert_frame_equal(again.values, raw.values, check_dtype=False)
        assert again.records.to_numpy().tolist() == raw.records.to_numpy().tolist()

    def test_it_reads_the_same_twice(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        for name in ("one", "two"):
            self.make().read(folder).save(tmp_path / name)
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

    def test_every_task_is_measured_and_counted(self, tmp_path: Path) -> None:
        raw = self.make().read(self.folder(tmp_path))
        assert raw.tasks
        assert {"step", "examples", "tasks", "measurements"} <= set(raw.summary.columns)


def _dense(features: Features) -> np.ndarray:
    return np.asarray(features.toarray() if issparse(features) else features)
