import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.features import ecfp
from cotrain.preparation import prepare
from cotrain.preparation._labels import LabelMatrix, unscorable_tasks
from cotrain.preparation._notes import data_notes
from cotrain.preparation._values import Labelled
from cotrain.settings import LabelSettings, PrepareSettings
from cotrain.sources import RawTable

CHAINS = ["C" * n for n in range(1, 13)]


def setup(n_folds: int = 3, split: str = "scaffold", own: bool = False, **label) -> PrepareSettings:
    chosen = {"kind": "threshold", "threshold": 10.0, "active": "at_most", "transform": "none"}
    molecules = {
        "kind": "molecules", "column": "smiles", "standardise": "none", "stereo": "keep",
        "max_atoms": 100, "parts": ["bits"], "radius": 2, "bits": 64,
    }  # fmt: skip
    splits = {"scaffold": {"kind": "scaffold", "column": "smiles", "giant": "keep"}}
    return PrepareSettings(
        labels=LabelSettings(**chosen | label),
        features={"kind": "given", "path": None} if own else molecules,
        split=splits.get(split, {"kind": split}),
        n_folds=n_folds,
        seed=0,
    )


def measured(rows: list[tuple], features: csr_array | None = None) -> RawTable:
    """A record for each (smiles or example, task, value, relation), rows counted from 2."""
    smiles, task, value, relation = zip(*((*row, "")[:4] for row in rows), strict=True)
    records = pd.DataFrame({"file": "f.csv", "row": range(2, len(rows) + 2), "example": smiles})
    values = pd.DataFrame({"record": range(len(rows)), "task": task})
    values = values.assign(value=[float(number) for number in value], relation=relation)
    return RawTable(records, pd.DataFrame({"smiles": smiles}), values, pd.DataFrame(), features)


def even(task: str = "t") -> list[tuple[str, str, float]]:
    """Six actives and six inactives at a threshold of 10."""
    return [(chain, task, 1 if at % 2 else 100) for at, chain in enumerate(CHAINS)]


def label_of(prepared, smiles: str, task: str) -> float | None:
    table = prepared.table
    row, column = table.examples.index(Chem.CanonSmiles(smiles)), table.tasks.index(task)
    span = slice(table.labels.indptr[row], table.labels.indptr[row + 1])
    found = dict(zip(table.labels.indices[span], table.labels.data[span], strict=True))
    return found.get(column)


def counts(prepared) -> dict[str, int]:
    return dict(prepared.summary.itertuples(index=False, name=None))


def test_a_table_from_molecules():
    prepared = prepare(measured(even("b") + even("a")), setup(), [[0], [1, 2]])
    table = prepared.table
    assert table.tasks == ("b", "a")
    assert table.kinds == ("binary", "binary")
    assert table.examples == tuple(sorted(CHAINS))
    assert (table.features != ecfp(sorted(CHAINS), 2, 64)).nnz == 0
    assert (label_of(prepared, "C", "a"), label_of(prepared, "CC", "a")) == (0, 1)
    np.testing.assert_array_equal(table.label_counts, 4)
    np.testing.assert_array_equal(table.positive_counts, 2)
    assert prepared.fold_counts.to_numpy().tolist()[:2] == [["b", 0, 4, 2], ["b", 1, 4, 2]]


def test_different_writings_of_a_molecule_are_merged_by_the_median_and_conflicts_reported():
    rows = [*even(), ("OCC", "t", 1), ("CCO", "t", 30), ("C(O)C", "t", 2)]
    prepared = prepare(measured(rows), setup(), [])
    assert label_of(prepared, "CCO", "t") == 1
    assert prepared.conflicts.to_numpy().tolist() == [["CCO", "t", 3, 1.0, 2.0, 30.0, 1.0]]
    assert counts(prepared)["measurements merged into another"] == 2


def test_agreeing_repeats_are_no_conflict():
    prepared = prepare(measured([*even(), ("C", "t", 50)]), setup(), [])
    assert prepared.conflicts.empty
    assert counts(prepared)["measurements merged into another"] == 1


def test_a_draw_of_binary_labels_leaves_the_pair_unlabelled_and_says_so():
    rows = [(name, "t", value <= 10) for name, _, value in even()] + [
        ("CO", "t", 1),
        ("OC", "t", 0),
    ]
    prepared = prepare(measured(rows), setup(kind="binary"), [])
    assert "CO" not in prepared.table.examples
    assert prepared.conflicts["label"].isna().tolist() == [True]
    assert counts(prepared)["pairs left without a label"] == 1


def test_active_at_least():
    prepared = prepare(measured(even()), setup(active="at_least"), [])
    assert (label_of(prepared, "C", "t"), label_of(prepared, "CC", "t")) == (1, 0)


def test_real_values_and_their_logarithm():
    rows = [*even(), ("CO", "t", 10), ("OC", "t", 1000)]
    plain = prepare(measured(rows), setup(kind="real"), [])
    assert plain.table.kinds == ("real",)
    assert label_of(plain, "CO", "t") == 505
    assert plain.fold_counts["n_positive"].isna().all()
    logged = prepare(measured(rows), setup(kind="real", transform="neg_log10"), [])
    assert label_of(logged, "CO", "t") == -2
    assert logged.conflicts.empty


def test_records_that_are_no_molecules_are_listed_once_each():
    raw = measured([*even(), ("bad", "t", 1), ("", "t", 2)])
    again = pd.DataFrame([{"record": 12, "task": "u", "value": 1.0, "relation": ""}])
    values = pd.concat([raw.values, again], ignore_index=True)  # two tasks of one wide row
    prepared = prepare(dataclasses.replace(raw, values=values), setup(), [])
    assert prepared.rejects.to_numpy().tolist() == [
        ["f.csv", 14, "bad", "bad", "SMILES cannot be parsed"],
        ["f.csv", 15, "", "", "no SMILES"],
    ]
    assert counts(prepared)["measurements rejected"] == 3


def test_tasks_that_cannot_be_learned_or_scored_are_excluded_with_the_reason():
    one_class = [(chain, "one", 1) for chain in CHAINS]
    # One scaffold, so all in one fold.
    rings = [("c1ccccc1" + chain, "ring", 1 if at % 2 else 99) for at, chain in enumerate(CHAINS)]
    prepared = prepare(measured(even() + one_class + rings), setup(), [[0], [1], [2]])
    assert prepared.table.tasks == ("t",)
    assert not any("c1" in name for name in prepared.table.examples)
    reasons = prepared.excluded.set_index("task")
    assert reasons.loc["one", "reason"] == "all labels (12) are positive in the data"
    assert reasons.loc["ring", "reason"].startswith("no label in fold ")
    assert reasons["n_labels"].tolist() == [12, 12]
    assert counts(prepared)["examples left out with those tasks"] == 12


def test_features_of_the_source_are_kept_with_their_examples():
    # Sorted names are x0 .. x11, x10 before x2.
    names = sorted(f"x{at}" for at in range(12))
    features = csr_array(np.column_stack([np.arange(1, 13), np.ones(12)]).astype(np.float32))
    rows = [(name, "t", 1 if at % 2 else 99) for at, name in enumerate(names)]
    order = np.random.default_rng(0).permutation(12)
    raw = measured([rows[at] for at in order], csr_array(features[order]))
    prepared = prepare(raw, setup(split="random", own=True), [])
    table = prepared.table
    assert prepared.notes["note"].tolist() == ["1 of 2 features hold one value alone"]
    assert dict(zip(table.examples, table.features.toarray()[:, 0], strict=True)) == dict(
        zip(names, range(1, 13), strict=True)
    )
    assert table.description["kind"] == "given"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            [("bad", "t", 1), ("", "t", 2)],
            {},
            "2 of 2 records cannot be used.* row 2 .SMILES",
        ),
        ([("C", "t", 1), ("CC", "t", 1)], {}, r"no task is left to learn \(`t`: all labels \(2\)"),
        ([("C", "t", 2)], {"kind": "binary"}, r"f\.csv, row 2, task `t`: 2 is neither 0 nor 1"),
        (
            [("C", "t", 1), ("CC", "t", 0)],
            {"kind": "real", "transform": "neg_log10"},
            r"f\.csv, row 3, task `t`: 0 has no logarithm",
        ),
        ([("C", "t", 1), ("CC", "t", 99)], {}, r"`prepare.n_folds`: .*number of groups, 2, got 3"),
    ],
)
def test_bad_input(rows, options, message):
    with pytest.raises(DataError, match=message):
        prepare(measured(rows), setup(**options), [[0]])


def test_scaffolds_need_molecules():
    features = csr_array(np.eye(3, dtype=np.float32))
    raw = measured([("a", "t", 1), ("b", "t", 99), ("c", "t", 99)], features)
    with pytest.raises(DataError, match="'a' is no molecule; name their column"):
        prepare(raw, setup(own=True), [])
    raw = dataclasses.replace(raw, inputs=raw.inputs[[]])
    with pytest.raises(DataError, match="no column `smiles`, which `prepare.split.column` names"):
        prepare(raw, setup(own=True), [])


def test_saves_the_same_bytes_whatever_the_order_of_values(tmp_path):
    rows = [*even(), ("CO", "t", 1), ("OC", "t", 60), ("bad", "t", 1)]
    raw = measured(rows)
    shuffled = dataclasses.replace(raw, values=raw.values.sample(frac=1, random_state=0))
    prepare(raw, setup(), []).save(tmp_path / "one.npz", tmp_path / "one")
    prepare(shuffled, setup(), []).save(tmp_path / "two.npz", tmp_path / "two")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert len(list((tmp_path / "one").iterdir())) == 10  # SHA256SUMS among them
    for path in (tmp_path / "one").iterdir():
        assert path.read_text() == (tmp_path / "two" / path.name).read_text()


values = st.sampled_from([1.0, 5.0, 10.0, 11.0, 40.0])
measurement = st.tuples(st.sampled_from(CHAINS[:6]), st.sampled_from(["t", "u"]), values)


@given(st.lists(measurement, max_size=30))
@settings(max_examples=30, deadline=None)
def test_merging_is_what_brute_force_gives(rows):
    rows = [*even(), *even("u"), *rows]
    prepared = prepare(measured(rows), setup(), [])
    for chain in CHAINS:
        for task in ("t", "u"):
            found = [value for name, at, value in rows if (name, at) == (chain, task)]
            assert label_of(prepared, chain, task) == (np.median(found) <= 10)
    conflicting = {
        (chain, task)
        for chain, task, _ in rows
        if len({value <= 10 for name, at, value in rows if (name, at) == (chain, task)}) == 2
    }
    assert set(zip(prepared.conflicts["example"], prepared.conflicts["task"], strict=True)) == (
        conflicting
    )


def test_values_nearly_alike_in_folds_cannot_be_scored():
    """R² there would divide by next to nothing, and decide the mean over all tasks."""
    rng = np.random.default_rng(0)
    fold = np.repeat([0, 1], 20)
    values = rng.normal(7, 1, size=(40, 3)).astype(np.float32)
    values[fold == 1, 1] = 7 + 0.05 * rng.normal(size=20)
    values[fold == 1, 2] = 7 + 0.5 * rng.normal(size=20)
    examples = np.array([f"e{n:02}" for n in range(40)])
    kinds = ("real",) * 3
    labels = LabelMatrix(examples, ("a", "alike", "b"), kinds, csr_array(values))
    found = unscorable_tasks(labels, fold, [(0,), (1,)])
    assert found == {"alike": "20 labels, nearly alike beside all others, in fold 1"}


def test_what_is_left_out_and_what_tasks_share_is_told():
    rings = [(f"C1CCCCC1{'C' * n}", "other", n % 2 * 99 + 1) for n in range(12)]
    one = [(chain, "one class", 1) for chain in CHAINS]
    bounded = [("CCO", "t", 100, "<"), ("CCCO", "t", 1)]
    raw = measured(even() + rings + one + bounded)
    notes = prepare(raw, setup(split="random"), [(0, 1, 2)]).notes["note"].tolist()
    assert notes[0] == "left out: `one class` (all labels (12) are positive in the data)"
    assert notes[1] == "values that are bounds, no labels: `t` 1 of 14"
    assert notes[2].startswith("1 of 1 pairs of tasks share under 30% of the smaller one's")


@pytest.mark.parametrize(
    ("split", "advice"),
    [("scaffold", "fewer folds"), ("column", "other folds than the column's")],
)
def test_what_may_bring_a_task_back_follows_the_split_and_the_reason(split, advice):
    labels = SimpleNamespace(tasks=("a", "b"), values=csr_array((2, 2)))
    excluded = pd.DataFrame({
        "task": ["x", "y"], "n_labels": 9,
        "reason": ["no label in fold 0", "all labels (9) are 1 in the data"],
    })  # fmt: skip
    told = Labelled(*[pd.DataFrame()] * 3, tasks=pd.DataFrame({"n_undecided": []}), n_pairs=0)
    note = data_notes(told, excluded, labels, split)[0]
    assert f"; {advice}" in note
    assert note.endswith("may bring back 1 of them")
    note = data_notes(told, excluded[:1], labels, split)[0]
    assert note.endswith("may bring them back")


def test_a_task_that_is_another_is_told():
    turned = [(chain, "turned", 101 - value) for chain, _, value in even()]
    raw = measured([*even(), *turned, *even("twin")])
    notes = prepare(raw, setup(split="random"), []).notes["note"].tolist()
    assert [note.split(";")[0] for note in notes if "same labels" in note] == [
        "tasks with the same labels: `t` and `twin`"
    ]


@pytest.mark.parametrize("kind", ["threshold", "real"])
def test_values_measured_once_are_labelled_as_those_measured_twice(kind):
    rows = [*even(), *even("u"), ("CCCO", "t", 10), ("CCCO", "u", 10.5)]
    once, twice = (
        prepare(measured(all_), setup(kind=kind, split="random"), []) for all_ in (rows, rows * 2)
    )
    assert (once.table.labels != twice.table.labels).nnz == 0
    assert once.table.labels.nnz == twice.table.labels.nnz == len(rows)
    assert once.tasks["n_repeated"].tolist() == [0, 0]
    same = ["task", "kind", "transform", "n_bounds", "n_undecided", "n_labels", "n_conflicts"]
    pd.testing.assert_frame_equal(once.tasks[same], twice.tasks[same])
    assert once.conflicts.columns.tolist() == twice.conflicts.columns.tolist()
