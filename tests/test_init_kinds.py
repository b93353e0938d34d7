"""What `cotrain init` takes columns for, in tables as people write them."""

import re

import numpy as np
import pandas as pd
import pytest

from cotrain.exceptions import DataError
from cotrain.features._given import Given, read_features
from cotrain.init._proposal import described, propose
from cotrain.init._wishes import Wishes
from cotrain.sources import RawTable, Table, read_table

N = 40
SMILES = [f"c1ccccc1{'C' * (n + 1)}" for n in range(N)]
RNG = np.random.default_rng(0)
BINARY = pd.DataFrame({name: RNG.permutation(N) % 2 for name in "abc"})
REAL = pd.DataFrame({name: RNG.normal(6, 1, N).round(2) for name in "abc"})


def proposed(folder, table, name="mine.csv", text=None, **wishes):
    """What is proposed for a table of molecules, and what `fetch` reads by it."""
    path = folder / name
    if text is not None:
        path.write_text(text)
    elif name.endswith(".xlsx"):
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False)
    found = propose(path, name, Wishes(**wishes))
    return found, Table(Table.Settings(**found.fetch)).read(folder).values


def with_molecules(frame, **more):
    return pd.DataFrame({"smiles": SMILES} | dict(frame.items()) | more)


def told(found) -> str:
    return " ".join(found.notes)


def roles(found) -> dict[str, str]:
    return {column.name: column.role for column in found.columns}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Unnamed: 0", range(N)),
        ("LogP_calc", RNG.normal(size=N)),
        ("XLogP3", RNG.normal(size=N)),
        ("a_std", RNG.random(N)),
        ("n_measurements", RNG.integers(1, 9, N)),
        ("std_smiles", SMILES),
        ("project", ["one"] * N),
        ("pred_a", RNG.normal(size=N)),
        ("a (predicted)", RNG.normal(size=N)),
        ("pKa_calc", RNG.normal(size=N)),
        ("LLE", RNG.normal(size=N)),
        ("MW (g/mol)", RNG.normal(size=N)),
        ("M.W.", RNG.normal(size=N)),
        ("cLogD7.4", RNG.normal(size=N)),
        ("nHBDon", RNG.integers(0, 9, N)),
        ("Polar Surface Area", RNG.normal(size=N)),
        ("Fsp3", RNG.random(N)),
        ("Aromatic Rings", RNG.integers(0, 5, N)),
        ("PAINS alert", RNG.integers(0, 2, N)),
        ("#RO5 violations", RNG.integers(0, 4, N)),
        ("Formal charge", RNG.integers(-1, 2, N)),
        ("Purity (%)", RNG.normal(95, 1, N)),
        ("Cluster", RNG.integers(0, 9, N)),
        ("a SD (nM)", RNG.random(N)),
        ("empty", [None] * N),
    ],
)
def test_columns_that_are_nothing_to_learn(tmp_path, name, values):
    found, _ = proposed(tmp_path, with_molecules(BINARY, **{name: list(values)}))
    assert roles(found)[name] in ("ignored", "index")
    assert found.tasks == ["a", "b", "c"]
    assert found.fetch["id"] is None


@pytest.mark.parametrize(
    "name",
    [
        "logD pH 7.4",
        "exp_logP",
        "pKa",
        "Ki (nM)",
        "HLM CLint (mL/min/kg)",
        "SR-ARE",
        "hit",
    ],
)
def test_columns_that_are_measured(tmp_path, name):
    found, _ = proposed(tmp_path, with_molecules(BINARY, **{name: list(RNG.normal(size=N))}))
    assert found.tasks == ["a", "b", "c", name]


def test_a_weight_is_no_feature(tmp_path):
    frame = REAL.assign(fnlwgt=range(N), x=range(N, 0, -1), age=[20 + n % 9 for n in range(N)])
    found, _ = proposed(tmp_path, frame, tasks=("a,b",), ignore=("c", "x"), features="columns:*")
    assert found.features["columns"] == ["age"]


DATES = pd.to_datetime("2015-01-01") + pd.to_timedelta(RNG.permutation(N) * 50, unit="D")


@pytest.mark.parametrize(
    "form", ["%d.%m.%Y", "%d-%b-%Y", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y", "%Y-%m", "%Y%m%d", "quarter"]
)
def test_dates_however_written_are_told_and_rise(tmp_path, form):
    from cotrain.splits._time import read_times

    texts = DATES.to_period("Q").astype(str) if form == "quarter" else DATES.strftime(form)
    found, _ = proposed(tmp_path, with_molecules(BINARY, registered=list(texts)))
    assert roles(found)["registered"] == "date"
    assert "`registered` could make folds by time: --date 'registered'" in found.notes
    times = read_times(pd.Series(texts, dtype=object))
    assert (np.diff(times[np.argsort(DATES)]) >= 0).all()


@pytest.mark.parametrize(
    ("write", "decimal"),
    [
        ("{:,.2f}".format, "."),
        (lambda value: f"{value:,.2f}".replace(",", "'"), "."),
        (lambda value: f"{value:,.2f}".replace(",", " "), "."),
        (lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")), ","),
        ("{:.2f}%".format, "."),
        ("{:.2f} nM".format, "."),
        (lambda value: f"{value:.2f} nM" if value < 2e3 else f"{value / 1e3:.5f} µM", "."),
        ("{:.2f} ± 0.1".format, "."),
    ],
)
def test_numbers_as_people_write_them(tmp_path, write, decimal):
    numbers = pd.DataFrame({name: RNG.uniform(900, 3e3, N).round(2) for name in "abc"})
    texts = numbers.map(write)
    found, values = proposed(tmp_path, with_molecules(texts), name="mine.tsv")
    assert read_table(tmp_path / "mine.tsv").format.decimal == decimal
    assert found.tasks == ["a", "b", "c"]
    np.testing.assert_allclose(values["value"], numbers.to_numpy().T.ravel(), rtol=1e-5)


@pytest.mark.parametrize(
    ("one", "zero"),
    [
        ("HIT", "No Hit"),
        ("blocker", "Non-Blocker"),
        ("BBB+", "BBB-"),
        ("+", "-"),
        ("1", "-1"),
        ("2", "1"),
    ],
)
def test_two_classes(tmp_path, one, zero):
    found, values = proposed(tmp_path, with_molecules(BINARY.map({1: one, 0: zero}.get)))
    assert found.kinds == dict.fromkeys("abc", "binary")
    active = values["value"] >= found.labels.get("threshold", 1)
    assert active.tolist() == BINARY.to_numpy().T.ravel().astype(bool).tolist()
    assert any(f"{one.lower()} " in note and "1" in note for note in found.notes)


def test_two_words_that_the_user_calls_a_task(tmp_path):
    table = with_molecules(BINARY.map({1: "high", 0: "low"}.get))
    table.loc[: N - 5, "a"] = "low"
    found, _ = proposed(tmp_path, table, tasks=("a", "c"))
    assert found.kinds == {"a": "binary", "c": "binary"}
    assert found.fetch["words"] == {"high": 1.0, "low": 0.0}


@pytest.mark.parametrize(("frame", "gap"), [(BINARY, "-1"), (REAL, "-9999"), (REAL, "-999.0")])
def test_numbers_for_gaps(tmp_path, frame, gap):
    table = with_molecules(frame.astype(object))
    table.loc[:3, "a"] = gap
    found, values = proposed(tmp_path, table)
    assert found.fetch["na_values"] == [gap]
    assert len(values) == 3 * N - 4
    assert any("counts as a gap" in note for note in found.notes)


def test_a_limit_of_the_assay_is_told(tmp_path):
    found, _ = proposed(tmp_path, with_molecules(REAL.assign(a=REAL["a"].clip(6.2))))
    assert any("of `a` are 6.2: if that is where" in note for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "\n\nsmiles,a,b\n{}",
        "# exported in May\n# by me\nsmiles,a,b\n{}",
        "Table 1. Of molecules\nsmiles,a,b\n{}",
        "smiles,a,b\n{}",
    ],
)
@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "^"])
def test_lines_above_the_header_and_separators(tmp_path, text, mark):
    rows = "\n".join(f"{smiles},{n % 2},{n % 3 // 2}" for n, smiles in enumerate(SMILES))
    title, _, body = text.format(rows).rpartition("smiles")
    found, values = proposed(tmp_path, None, text=title + "smiles" + body.replace(",", mark))
    assert found.tasks == ["a", "b"]
    assert values["value"].tolist()[:N] == [n % 2 for n in range(N)]


def test_blanks_part_cells_where_nothing_else_does(tmp_path):
    found, _ = proposed(tmp_path, None, text=with_molecules(BINARY).to_csv(sep=" ", index=False))
    assert found.tasks == ["a", "b", "c"]


def test_an_index_without_a_name(tmp_path):
    text = with_molecules(BINARY).to_csv()
    found, _ = proposed(tmp_path, None, text=text)
    assert roles(found)["Unnamed: 0"] == "index"
    assert found.tasks == ["a", "b", "c"]


def test_the_largest_sheet_below_its_title(tmp_path):
    with pd.ExcelWriter(tmp_path / "mine.xlsx") as book:
        pd.DataFrame({"about": ["mine"]}).to_excel(book, sheet_name="Info", index=False)
        with_molecules(BINARY).to_excel(book, sheet_name="Data", index=False, startrow=3)
    found = propose(tmp_path / "mine.xlsx", "mine.xlsx", Wishes())
    assert found.fetch["format"] == {"sheet": "Data"}
    assert any("`Data`" in note for note in found.notes)
    raw = Table(Table.Settings(**found.fetch)).read(tmp_path)
    assert raw.records["row"].tolist() == list(range(5, 5 + N))  # as the sheet counts them


def test_a_long_table_without_options(tmp_path):
    long = with_molecules(BINARY).melt("smiles", var_name="endpoint", value_name="activity")
    found, values = proposed(tmp_path, long)
    assert found.fetch["layout"] == "long"
    assert found.tasks == ["a", "b", "c"]
    assert len(values) == 3 * N


@pytest.mark.parametrize(("shared", "kind"), [(False, "column"), (True, "scaffold")])
def test_a_split_of_a_long_table_holds_for_molecules_or_not_at_all(tmp_path, shared, kind):
    long = with_molecules(BINARY).melt("smiles", var_name="task", value_name="value")
    at = long.index if shared else long["smiles"].map(SMILES.index)
    long["group"] = np.where(np.asarray(at) % 3 == 0, "test set", "training set")
    found, _ = proposed(tmp_path, long)
    assert found.split["kind"] == kind
    assert any("`group`" in note for note in found.notes)


def test_bounds_are_told_where_they_give_no_label(tmp_path):
    marks = ["=", ">", "<", "="] * (N // 4)
    values = RNG.normal(7, 1, size=N)
    table = with_molecules(BINARY, value=values, relation=marks, task=["Ki", "IC50"] * (N // 2))
    long = table[["smiles", "task", "value", "relation"]].assign(smiles=table["smiles"][0])
    found, _ = proposed(tmp_path, long)
    assert found.n_labels == [N // 4, N // 4]
    assert f"{N // 2} of {N} values are bounds (< or >): networks keep to their side" in told(found)
    classes = long.assign(value=[0, 0, 1, 1] * (N // 4))
    assert "are bounds" not in told(proposed(tmp_path, classes)[0])
    inside = [f"{mark}{value:.3f}" for mark, value in zip(marks, values, strict=True)]
    wide, _ = proposed(tmp_path, with_molecules(BINARY, x=inside))
    assert wide.n_labels[wide.tasks.index("x")] == N // 2
    assert f"{N // 2} of {N} values are bounds" in told(wide)


def test_rows_that_their_source_doubts_are_counted(tmp_path):
    table = with_molecules(BINARY, task=["Ki", "IC50"] * (N // 2), value=RNG.normal(size=N))
    doubts = {
        "validity_comment": ["Outside typical range", "", "", ""] * (N // 4),
        "potential_duplicate": ["0", "1"] * (N // 2),
    }
    table = table[["smiles", "task", "value"]].assign(smiles=table["smiles"][0], **doubts)
    found, _ = proposed(tmp_path, table)
    assert f"{N // 4} rows have a `validity_comment`" in told(found)
    assert f"{N // 2} rows have a `potential_duplicate`" in told(found)


def test_of_hundreds_of_columns_the_kinds_and_labels_are_told_and_a_late_split_is_shown(tmp_path):
    empty = {f"e{n}": [""] * N for n in range(60)}
    values = {f"t{n}": [*RNG.normal(size=N - n), *[""] * n] for n in range(31)}
    table = with_molecules(pd.DataFrame(empty | values), split=["train", "test"] * (N // 2))
    text = described(proposed(tmp_path, table)[0])
    assert re.search(r"\nsplit +split +40", text)
    assert "... and 61 columns more: 40 ignored, 21 task real" in text
    assert f"31 tasks of {N - 30} to {N} labels, median {N - 15}" in text


def test_a_split_of_one_word_is_none(tmp_path):
    found, _ = proposed(tmp_path, with_molecules(BINARY, split=["train"] * N))
    assert roles(found)["split"] == "ignored"
    assert found.split["kind"] == "scaffold"


def test_a_column_of_one_known_word_names_the_other(tmp_path):
    found, _ = proposed(tmp_path, with_molecules(BINARY, d=["no", "si"] * (N // 2)))
    assert next(c.why for c in found.columns if c.name == "d").endswith("beside the text 'si'")


def test_marks_named_like_several_tasks_are_those_of_the_first(tmp_path):
    marks = ["<", ">", "=", ""] * (N // 4)
    tasks = {f"IC50 {name}": REAL["a"] for name in ("d", "c", "b", "a")}
    found, _ = proposed(tmp_path, with_molecules(REAL, **tasks, z=REAL["b"], IC50_relation=marks))
    assert next(c.of for c in found.columns if c.name == "IC50_relation") == "IC50 d"


def test_blank_cells_between_values_stay_unknown(tmp_path):
    cells = ["", "1.5", "> 2", "", "~3", "n/a", "active", ""] * (N // 8)
    path = tmp_path / "mine.csv"
    with_molecules(BINARY, d=cells).to_csv(path, index=False)
    names = ["a", "d"]
    settings = Table.Settings(kind="table", path=path.name, layout="wide", id=None, tasks=names)
    values = Table(settings).read(tmp_path).values
    of_d = values[values["task"] == "d"].head(4)
    assert of_d["record"].tolist() == [1, 2, 4, 6]
    assert of_d["value"].tolist() == [1.5, 2.0, 3.0, 1.0]
    assert of_d["relation"].tolist() == ["", ">", "", ""]


@pytest.mark.parametrize("name", ["name", "key"])
def test_rows_of_a_file_of_features_are_found_by_name_or_told_to_stand_in_order(tmp_path, name):
    table = pd.DataFrame({"name": range(100, 100 + N)} | dict(BINARY.items()))
    vectors = pd.DataFrame(RNG.normal(size=(N, 3)), columns=[*"xyz"])
    features = f"given:{tmp_path / 'f.parquet'}"
    vectors.assign(**{name: table["name"]})[::-1].to_parquet(tmp_path / "f.parquet")
    found, _ = proposed(tmp_path, table, features=features)
    assert found.features["id"] == name
    assert f"are found by `{name}`" in " ".join(found.notes)
    vectors.assign(**{name: table["name"] + 1}).to_parquet(tmp_path / "f.parquet")
    found, _ = proposed(tmp_path, table, features=features)
    given = Given(Given.Settings.model_validate(found.features))
    names = pd.Series(table["name"].astype(str))
    raw = RawTable.of_inputs(table, "mine.csv", names=names)
    with pytest.raises(DataError, match=f"1 of {N} examples have no features, the first is `100`"):
        given.transform(raw)
    vectors.assign(**{name: table["name"] + N}).to_parquet(tmp_path / "f.parquet")
    found, _ = proposed(tmp_path, table, features=features)
    assert found.features["id"] is None
    assert "stand in the order of the table's" in " ".join(found.notes)
    texts = vectors.assign(**{name: "x" + table["name"].astype(str)})
    texts.to_parquet(tmp_path / "f.parquet")
    with pytest.raises(DataError, match=f"`{name}` is no feature, for it holds no numbers"):
        read_features(tmp_path / "f.parquet", None, None)


def measured(task: str, value: str) -> pd.DataFrame:
    """Each molecule measured on two of four targets, a row each."""
    row = np.arange(2 * N)
    targets = [f"{'abcd'[(n // 2 + n % 2) % 4]} kinase" for n in row]
    return pd.DataFrame({"smiles": np.repeat(SMILES, 2), task: targets, value: row / 7})


def test_values_of_chembl_beside_a_column_of_tasks_are_a_long_table(tmp_path):
    found, _ = proposed(tmp_path, measured("dataset", "pchembl_value"))
    assert found.fetch["layout"] == "long"
    assert "`dataset` names the task of a row, `pchembl_value` holds its value" in told(found)


def test_a_column_that_may_name_tasks_is_told(tmp_path):
    table = measured("what was tried", "potency")
    found, _ = proposed(tmp_path, table)
    assert "--task-column 'what was tried' --value-column potency" in told(found)
    once = table[::2]
    assert "--task-column" not in told(proposed(tmp_path, once)[0])  # a row a molecule
    same = table.assign(**{"what was tried": np.repeat(["a kinase", "b kinase"] * (N // 2), 2)})
    assert "--task-column" not in told(proposed(tmp_path, same)[0])  # repeats of one measurement
