"""Every splitter through the public contract, and what each keeps together."""

import numpy as np
import pytest
from molecules import some_molecules

from cotrain.exceptions import DataError
from cotrain.splits import RandomSplitter, distinct, murcko_scaffolds
from cotrain.splits._cluster import ClusterSplitter
from cotrain.splits._column import ColumnSplitter
from cotrain.splits._scaffold import ScaffoldSplitter
from cotrain.splits._time import TimeSplitter, read_times
from cotrain.testing import SplitterContract, raw_table

SMILES = some_molecules()[::6]


def folds_of(found, groups) -> dict[str, set[int]]:
    result: dict[str, set[int]] = {}
    for group, fold in zip(groups, found.folds, strict=True):
        result.setdefault(group, set()).add(int(fold))
    return result


class TestRandom(SplitterContract):
    def make(self):
        return RandomSplitter(RandomSplitter.Settings(kind="random"))

    def raw(self):
        return raw_table({"a": ["1"] * 30})


class TestScaffold(SplitterContract):
    giant = "split"

    def make(self):
        settings = ScaffoldSplitter.Settings(kind="scaffold", column="s", giant=self.giant)
        return ScaffoldSplitter(settings)

    def raw(self):
        return raw_table({"s": SMILES})

    def test_no_scaffold_in_two_folds(self):
        found = self.split()
        scaffolds = murcko_scaffolds(SMILES)
        assert all(len(folds) == 1 for folds in folds_of(found, scaffolds).values())
        assert found.groups.tolist() == scaffolds

    def test_the_largest_scaffold_is_not_always_in_the_first_fold(self):
        scaffolds = np.array(murcko_scaffolds(SMILES))
        names, counts = np.unique(scaffolds, return_counts=True)
        largest = np.flatnonzero(scaffolds == names[counts.argmax()])[0]
        assert len({self.split(seed).folds[largest] for seed in range(12)}) > 1


class TestGiantScaffold(SplitterContract):
    def make(self):
        return ScaffoldSplitter(
            ScaffoldSplitter.Settings(kind="scaffold", column="s", giant="split")
        )

    def raw(self):
        ring = ["c1ccccc1" + "C" * n for n in range(1, 31)]
        return raw_table({"s": ring + ["C" * n for n in range(1, 11)]})

    def test_it_is_split_and_told(self):
        found = self.split()
        assert np.bincount(found.folds, minlength=4).max() <= 16
        (note,) = found.notes
        assert note == (
            "`c1ccccc1` holds 30 of 40 examples, a fold 10: it is split at random into 3 parts"
        )

    def test_it_is_kept_and_told_if_so_wanted(self):
        settings = ScaffoldSplitter.Settings(kind="scaffold", column="s", giant="keep")
        raw = self.raw()
        found = ScaffoldSplitter(settings).folds(raw, self.labels(raw), 4, 0)
        rings = found.folds[found.groups == "c1ccccc1"]
        assert len(set(rings)) == 1
        assert "it is kept whole, so folds are uneven" in found.notes[0]


class TestColumn(SplitterContract):
    def make(self):
        folds = {"train": [0, 1], "valid": [2], "test": [3]}
        return ColumnSplitter(ColumnSplitter.Settings(kind="column", column="s", folds=folds))

    def raw(self):
        parts = ["train"] * 12 + ["valid"] * 5 + ["test"] * 5 + ["train"]
        # The last record is of the first example of the test part.
        examples = [f"e{at:02d}" for at in range(22)] + ["e17"]
        return raw_table({"s": parts}, examples=examples)

    def test_folds_are_those_of_the_column(self):
        found = self.split()
        assert set(found.folds[:12]) == {0, 1}
        assert set(found.folds[12:17]) == {2}
        assert set(found.folds[18:]) == {3}

    def test_an_example_of_two_parts_lies_in_the_first_and_is_told(self):
        found = self.split()
        assert found.groups[17] == "train"
        assert found.notes[0].startswith("examples with records of several values of `s`: 1;")

    @pytest.mark.parametrize(
        ("folds", "message"),
        [
            ({"train": [0]}, "'test' is not among train, which `prepare.split.folds` lists"),
            ({"train": [0], "valid": [9], "test": [1]}, "must name folds in 0 .. 3"),
            ({"train": [0], "valid": [], "test": [1]}, "`prepare.split.folds.valid` names no fold"),
        ],
    )
    def test_settings_that_do_not_fit(self, folds, message):
        made = ColumnSplitter(ColumnSplitter.Settings(kind="column", column="s", folds=folds))
        raw = self.raw()
        with pytest.raises(DataError, match=message):
            made.folds(raw, self.labels(raw), 4, 0)


class TestTime(SplitterContract):
    def make(self):
        return TimeSplitter(TimeSplitter.Settings(kind="time", column="t"))

    def raw(self):
        years = [2000 + at // 3 for at in range(24)]
        # The oldest example was measured once more, lately.
        examples = [f"e{(at * 7) % 24:02d}" for at in range(24)] + ["e00"]
        return raw_table({"t": [*map(str, years), "2020"]}, examples=examples)

    def test_the_last_fold_is_the_newest_and_a_year_is_in_one_fold(self):
        found = self.split()
        year = np.array([2000 + at // 3 for at in range(24)])[
            np.argsort([f"e{(at * 7) % 24:02d}" for at in range(24)])
        ]
        order = np.argsort(year, kind="stable")
        assert (np.diff(found.folds[order]) >= 0).all()
        assert all(len(folds) == 1 for folds in folds_of(found, year).values())
        assert np.bincount(found.folds).tolist() == [6, 6, 6, 6]

    def test_records_without_a_date_are_told(self):
        raw = raw_table({"t": ["", *map(str, range(2001, 2012))]})
        found = self.make().folds(raw, self.labels(raw), 4, 0)
        assert found.folds[0] == 0
        assert found.notes[0].startswith("1 of 12 records have no date in `t`")

    def test_no_date_at_all_is_refused(self):
        raw = raw_table({"t": ["soon"] * 8})
        with pytest.raises(DataError, match="`t` holds no dates, years or numbers in one way"):
            self.make().folds(raw, self.labels(raw), 4, 0)


@pytest.mark.parametrize(
    "texts",
    [
        ["1999", "2003", "2021"],
        ["2010-01-15", "2010-02-01", "2011-01-01"],
        ["15.01.2010", "01.02.2010", "01.01.2011"],
        ["E-0001", "E-0012", "E-0100"],
        ["1.5", "2", "10"],
    ],
)
def test_dates_rise(texts):
    import pandas as pd

    found = read_times(pd.Series(texts, dtype=object))
    assert found.notna().all()
    assert found.is_monotonic_increasing
    assert found.nunique() == 3


@pytest.mark.parametrize("method", ["butina", "kmeans"])
class TestCluster(SplitterContract):
    @pytest.fixture(autouse=True)
    def _with(self, method):
        self.method = method

    def make(self):
        return ClusterSplitter(
            ClusterSplitter.Settings(kind="cluster", column="s", method=self.method, cutoff=0.5)
        )

    def raw(self):
        return raw_table({"s": SMILES})

    def test_no_cluster_in_two_folds(self):
        found = self.split()
        assert all(len(folds) == 1 for folds in folds_of(found, found.groups).values())
        assert len(set(found.groups)) >= 4

    def test_too_many_for_all_pairs_is_told(self):
        settings = ClusterSplitter.Settings(
            kind="cluster", column="s", method="butina", cutoff=0.5, max_butina=10
        )
        raw = self.raw()
        with pytest.raises(DataError, match="set it to kmeans"):
            ClusterSplitter(settings).folds(raw, self.labels(raw), 4, 0)


def test_the_first_record_of_each_example():
    raw = raw_table({"a": list("wxyz")}, examples=["b", "a", "b", "c"])
    assert distinct(raw).tolist() == [1, 0, 3]
