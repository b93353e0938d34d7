"""Bad tables, features and settings, made by rule: one line, exit code 2, nothing half-written."""

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import complaint, cotrain, succeed
from ruamel.yaml import YAML
from small_study import change_params


def pairs(*choices) -> list[tuple]:
    return list(product(*choices))


TASKS = ("a", "b")
RINGS = ("c1ccccc1", "c1ccncc1", "C1CCCCC1", "C1CCNCC1", "c1ccsc1", "c1ccoc1")
ROWS = [
    [f"{ring}{'C' * n}", str((at + n) % 2), str(at % 2), f"{at}.{n}", "train"]
    for at, ring in enumerate(RINGS)
    for n in (1, 2, 3, 4)
]
HEADER = ["smiles", "a", "b", "x", "part"]
PARAMS = {
    "fetch": {"kind": "table", "path": "../mine.csv", "layout": "wide", "id": None,
              "tasks": list(TASKS)},
    "prepare.labels": {"kind": "binary", "threshold": 1.0, "active": "at_most",
                       "transform": "none", "repeats": "median", "tasks": {}},
    "prepare.features": {"kind": "molecules", "column": "smiles", "standardise": "none",
                         "stereo": "keep", "max_atoms": 50, "parts": ["bits"], "radius": 2,
                         "bits": 64},
    "prepare.split": {"kind": "random"},
    "prepare.n_folds": 4,
    "plan.test_folds": 1,
    "plan.train_folds": 2,
    "plan.subset_level": 2,
    "plan.rotate": False,
    "plan.augmentations.levels": [1],
}  # fmt: skip
LONG = {"layout": "long", "tasks": None, "task": "part", "value": "x"}


def table(rows=ROWS, header=HEADER, mark=",") -> str:
    return "\n".join(mark.join(row) for row in [header, *rows]) + "\n"


def with_cell(row: int, column: str, text: str) -> str:
    rows = [list(cells) for cells in ROWS]
    rows[row][HEADER.index(column)] = text
    return table(rows)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A study whose table is good, without repositories."""
    root = Path(__file__).parents[2]
    folder = tmp_path_factory.mktemp("template") / "study"
    folder.mkdir()
    shutil.copy(root / "params.yaml", folder)
    change_params(folder, PARAMS)
    (folder.parent / "mine.csv").write_text(table())
    return folder


@pytest.fixture
def study(template, tmp_path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(template / "params.yaml", folder)
    (tmp_path / "mine.csv").write_text(table())
    return folder


def refused(study: Path, stage: str, *arguments: str) -> str:
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    line = complaint(cotrain(study, stage, *arguments))
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before
    assert len(line) < 1000
    return line


def test_the_table_that_is_spoiled_below_is_good(study):
    succeed(study, "fetch")
    assert "24 examples, 2 tasks, 48 labels" in succeed(study, "prepare")


NO_NUMBERS = ("maybe", "1;2", "0x", "1,2,3", "inf", "-inf", "1e999", "> ", ">>>5", "12 nM", "½")


@pytest.mark.parametrize(("text", "column", "row"), pairs(NO_NUMBERS, TASKS, (0, 23)))
def test_cells_that_are_no_numbers_name_row_and_column(study, text, column, row):
    (study.parent / "mine.csv").write_text(with_cell(row, column, f'"{text}"'))
    line = refused(study, "fetch")
    assert f"row {row + 2}, column `{column}`" in line
    assert repr(text.strip()) in line


NO_CLASSES = ("2", "0.5", "-1", "1e3", "1.0001")


@pytest.mark.parametrize(("text", "column"), pairs(NO_CLASSES, TASKS))
def test_numbers_that_are_no_classes_name_row_and_task(study, text, column):
    (study.parent / "mine.csv").write_text(with_cell(5, column, text))
    succeed(study, "fetch")
    assert f"row 7, task `{column}`" in refused(study, "prepare")


NO_LOGARITHMS = ("0", "-1", "<0", "-1e-9")


@pytest.mark.parametrize(("text", "transform"), pairs(NO_LOGARITHMS, ("log10", "neg_log10")))
def test_values_without_a_logarithm(study, text, transform):
    change_params(study, {"prepare.labels.tasks": {"b": {"kind": "real", "transform": transform}}})
    rows = [[s, a, "3.5", x, p] for s, a, _, x, p in ROWS]
    rows[9][2] = text
    (study.parent / "mine.csv").write_text(table(rows))
    succeed(study, "fetch")
    assert "row 11, task `b`" in refused(study, "prepare")


BROKEN: dict[str, Any] = {
    "empty": "",
    "blank": " \n\n",
    "header alone": ",".join(HEADER) + "\n",
    "a name twice": table(header=["smiles", "a", "b", "a", "part"]),
    "a name blank": table(header=["smiles", "a", "b", "", "part"]),
    "too many cells": table() + "C,1,0,1,train,1,1\n",
    "zero bytes": b"smiles,a,b\n\x00\x00\x01",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
    "no task": table(header=["smiles", "c", "d", "x", "part"]),
    "all gaps": table([[s, "", "NA", x, p] for s, _, _, x, p in ROWS]),
    "one cell a row": "smiles\nC\nCC\n",
    "quotes left open": table() + '"C,1,0,1,train\n',
}


@pytest.mark.parametrize(("name", "stage"), pairs(BROKEN, ("fetch", "init")))
def test_files_that_are_broken(study, tmp_path, name, stage):
    if (name, stage) in {("no task", "init"), ("quotes left open", "init")}:
        pytest.skip("nothing wrong before a study names its tasks")
    text = BROKEN[name]
    path = study.parent / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    arguments = (str(tmp_path / "new"), "--csv", str(path)) if stage == "init" else ()
    assert "mine.csv" in refused(study, stage, *arguments) or name == "all gaps"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".sdf", ".csv.gz", ".csv.xz", ".csv.bz2"])
@pytest.mark.parametrize("content", [b"", b"not what its name says"], ids=["empty", "text"])
def test_files_that_are_not_what_their_name_says(study, tmp_path, suffix, content):
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(content)
    assert "mine" in refused(study, "init", str(tmp_path / "new"), "--csv", str(path))
    change_params(study, {"fetch.path": f"../mine{suffix}"})
    assert f"mine{suffix}" in refused(study, "fetch")


MOLECULES = ("", "CC C", "C1CC", "*C", "[R1]C", "C>>C", "nan", "C" * 51, "InChI=1S/CH4/h1H4 x", "Q")


@pytest.mark.parametrize("text", MOLECULES)
def test_a_column_of_no_molecules(study, text):
    (study.parent / "mine.csv").write_text(table([[text, *row[1:]] for row in ROWS]))
    succeed(study, "fetch")
    assert "24 of 24 records cannot be used, the first in row 2 (" in refused(study, "prepare")


OPTIONS = {
    "--smiles": "structure", "--tasks": "toxicity", "--ignore": "noise", "--id": "name",
    "--split": "set", "--date": "when", "--task-column": "assay", "--value-column": "value",
    "--features": "columns:age",
}  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_options_that_name_no_column(study, tmp_path, option):
    path = str(study.parent / "mine.csv")
    line = refused(study, "init", str(tmp_path / "new"), "--csv", path, option, OPTIONS[option])
    assert f"which `{option}` names" in line
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("features", ["molecule", "text", "images", "given", "columns:", "a:b"])
def test_features_that_are_none(study, tmp_path, features):
    path = str(study.parent / "mine.csv")
    refused(study, "init", str(tmp_path / "new"), "--csv", path, "--features", features)
    assert not (tmp_path / "new").exists()


def keys() -> list[str]:
    """Every setting of the sections `fetch` and `prepare`."""
    inner = [
        f"{section}.{key}"
        for section, value in PARAMS.items()
        if isinstance(value, dict)
        for key in value
    ]
    return [*inner, "prepare.n_folds", "prepare.seed", "prepare.labels", "prepare.split"]


WITH_DEFAULT = {"prepare.labels.repeats", "prepare.labels.tasks"}


@pytest.mark.parametrize(("key", "how"), pairs(keys(), ("removed", "a list of lists", "renamed")))
def test_settings_that_are_missing_wrong_or_unknown(study, key, how):
    yaml = YAML(typ="safe")
    path = study / "params.yaml"
    params = yaml.load(path.read_text())
    *sections, last = key.split(".")
    section = params
    for part in sections:
        section = section[part]
    if how == "removed":
        if key in WITH_DEFAULT | {"fetch.tasks"}:
            pytest.skip("may be left out, or is told by the next rule")
        del section[last]
    elif how == "renamed":
        section[f"{last}_"] = section.pop(last)
    else:
        section[last] = [[1, 2], "x", {}]
    with path.open("w") as file:
        yaml.dump(params, file)
    assert str(path) in refused(study, "fetch")


SETTINGS: list[dict[str, Any]] = [
    {"fetch.tasks": []},
    {"fetch.tasks": ["a", "z"]},
    {"fetch.id": "z"},
    {"fetch.path": "../nothing.csv"},
    {"fetch.path": ".."},
    {"fetch.relations": {"a": "z"}},
    {"fetch.relations": {"a": "part"}},
    {"fetch.format": {"encoding": "klingon"}},
    {"fetch.format": {"separator": ";"}},
    {"fetch": PARAMS["fetch"] | LONG | {"task": "z"}},
    {"fetch": PARAMS["fetch"] | LONG | {"value": "z"}},
    {"fetch": PARAMS["fetch"] | LONG | {"value": "part"}},
    {"fetch": PARAMS["fetch"] | LONG | {"tasks": ["z"]}},
    {"fetch": PARAMS["fetch"] | LONG | {"relation": "z"}},
    {"fetch": PARAMS["fetch"] | LONG | {"relation": "x"}},
    {"fetch": PARAMS["fetch"] | LONG | {"units": {"column": "z", "to": "nM"}}},
    {"fetch": PARAMS["fetch"] | LONG | {"units": {"column": "part", "to": "nM"}}},
]


@pytest.mark.parametrize("changes", SETTINGS, ids=str)
def test_settings_that_do_not_suit_the_table(study, changes):
    change_params(study, changes)
    refused(study, "fetch")


PREPARE: list[dict[str, Any]] = [
    {"prepare.labels.tasks": {"z": {"kind": "real"}}},
    {"prepare.features": PARAMS["prepare.features"] | {"column": "z"}},
    {"prepare.features": {"kind": "columns", "columns": ["z"]}},
    {"prepare.features": {"kind": "given", "path": None}},
    {"prepare.features": {"kind": "given", "path": "nothing.npz"}},
    {"prepare.features": {"kind": "given", "path": "params.yaml"}},
    {"prepare.features": {"kind": "images", "path": "nothing.npz"}},
    {"prepare.split": {"kind": "scaffold", "column": "z", "giant": "keep"}},
    {"prepare.split": {"kind": "scaffold", "column": "part", "giant": "keep"}},
    {"prepare.split": {"kind": "time", "column": "part"}},
    {"prepare.split": {"kind": "time", "column": "z"}},
    {"prepare.split": {"kind": "column", "column": "z", "folds": {"train": [0]}}},
    {"prepare.split": {"kind": "column", "column": "part", "folds": {"test": [0]}}},
    {"prepare.split": {"kind": "column", "column": "part", "folds": {"train": [4]}}},
    {"prepare.split": {"kind": "cluster", "column": "part", "method": "butina", "cutoff": 0.5}},
    {"prepare.n_folds": 25},
]


@pytest.mark.parametrize("changes", PREPARE, ids=str)
def test_preparation_that_does_not_suit_the_table(study, changes):
    change_params(study, changes)
    succeed(study, "fetch")
    refused(study, "prepare")


ARRAYS: dict[str, dict[str, Any]] = {
    "too few rows": {"x": np.ones((3, 2))},
    "infinities": {"x": np.full((24, 2), np.inf)},
    "words": {"x": np.full((24, 2), "word")},
    "two arrays": {"x": np.ones((24, 2)), "y": np.ones((24, 2))},
    "no array": {},
}


@pytest.mark.parametrize(("name", "kind"), pairs(ARRAYS, ("given", "images")))
def test_files_of_features_that_do_not_fit(study, name, kind):
    np.savez(study / "features.npz", **ARRAYS[name])
    change_params(study, {"prepare.features": {"kind": kind, "path": "features.npz"}})
    succeed(study, "fetch")
    assert "features.npz" in refused(study, "prepare")


# What people bring, what they ask for beside it, and a part of the line that they are told.
MISTAKES: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "two files in one": (table() + table(), (), "row 26: repeats the header"),
    "an Excel file named CSV": (b"PK\x03\x04" + bytes(99), (), "a zip or Excel file"),
    "molecules to be predicted": (table(), ("--tasks", "smiles", "--tasks", "a"), "of molecules"),
    "two kinds of folds": (table(), ("--split", "part", "--date", "x"), "give one of them"),
    "a split of training alone": (table(), ("--split", "part"), "'train' alone"),
    "a split without a test": (
        table([[*row[:4], ("train", "valid")[at % 2]] for at, row in enumerate(ROWS)]),
        (), "folds need rows of train and test",
    ),
    "a merged header": (table(header=["smiles", "a", "", "x", "part"]), (), "merged cells"),
    "a table of one column": ("smiles\nCCO\nCCN\n", (), "no column of numbers"),
    "labels without molecules": (table([r[1:3] for r in ROWS], ["a", "b"]), (), "--features"),
    "numbers and no names": (table(header=["1", "2", "2", "4", "5"]), (), "`2` stands twice"),
    "everything ignored": (table(), ("--ignore", "*"), "no column of molecules"),
    "tasks that match nothing": (table(), ("--tasks", "y*"), "`y*`, which `--tasks` names"),
    "labels that are all alike": (
        table([[row[0], "1", "0", "7", "train"] for row in ROWS]), (), "no column of numbers",
    ),
    "Japanese Windows": (table(header=["smiles", "活性", "b", "x", "part"]).encode("shift-jis"),
                         (), "save it in UTF-8"),
    "a zero byte far below": (table() + "C\x00C,1,0,1,train\n", (), "zero bytes"),
    "a pointer of Git LFS": ("version https://example.org/v1\noid sha256:0\nsize 1\n", (), "no column"),
    "a web page": ("<html>\n<body>404, not found</body>\n</html>\n", (), "mine.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_what_people_bring(study, tmp_path, name):
    content, options, told = MISTAKES[name]
    path = study.parent / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused(study, "init", str(tmp_path / "new"), "--csv", str(path), *options)
    assert told in line
    assert not (tmp_path / "new").exists()


def test_a_folder_for_a_table(study, tmp_path):
    line = refused(study, "init", str(tmp_path / "new"), "--csv", str(tmp_path))
    assert "Is a directory" in line


NO_DATES = ("next week", "2020-13-45", "?", "a year ago")


@pytest.mark.parametrize("text", NO_DATES)
def test_a_column_of_few_dates(study, text):
    dates = ["2020-01-02", text, text]
    rows = [[*row[:4], dates[at % 3]] for at, row in enumerate(ROWS)]
    (study.parent / "mine.csv").write_text(table(rows))
    change_params(study, {"prepare.split": {"kind": "time", "column": "part"}})
    succeed(study, "fetch")
    assert "no dates, years or numbers" in refused(study, "prepare")


NO_SETTINGS = (
    "fetch:\n\tkind: table\n", "fetch: {kind: table, kind: kiba}\n", "a: 1\n---\nb: 2\n",
    "fetch: !!python/object/apply:os.system [ls]\n", "- fetch\n", "1: 2\n", "fetch: 2020-99-99\n",
    "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n", "fetch\n", "\x00", "fetch: [\n", "&a [*a]\n",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_SETTINGS)
def test_files_that_are_no_settings(study, text):
    (study / "params.yaml").write_text(text)
    assert str(study / "params.yaml") in refused(study, "fetch")


NUMBERS = (
    "prepare.seed", "prepare.n_folds", "plan.test_folds", "plan.train_folds", "plan.subset_level",
    "plan.subsets.n_subsets", "plan.subsets.repeats", "train.workers", "train.max_hours",
    "learners.network.epochs", "learners.network.dropout", "learners.network.learning_rate",
    "analyze.fdr", "analyze.held_out", "group.max_groups", "group.trials", "validate.repeats",
)  # fmt: skip
NO_SUCH = (float("nan"), float("inf"), -1, 10**40, True, "many", [], None)


@pytest.mark.parametrize(("key", "value"), pairs(NUMBERS, NO_SUCH))
def test_numbers_out_of_bounds(study, key, value):
    change_params(study, {key: value})
    assert f"`{key}`" in refused(study, "fetch")


def test_there_are_three_hundred_of_them(request):
    here = [item for item in request.session.items if item.path == Path(__file__)]
    chosen = request.config.option.keyword or len(here) < 20  # some of them were picked out
    assert chosen or len(here) >= 300
