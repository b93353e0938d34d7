import json
import shutil
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from report_tables import Tables, write_tables

from cotrain.exceptions import DataError
from cotrain.report import Findings
from cotrain.report._sentences import certificate
from cotrain.tables import TABLES, Recommendation

FOLDERS = {
    "prepare": "prepared",
    "analyze": "analysis",
    "group": "grouping",
    "validate": "validation",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    write_tables(folder, 4, affinity=True, labels=True)
    return folder


@pytest.fixture
def tables(template, tmp_path):
    """A copy to break."""
    folder = shutil.copytree(template, tmp_path / "study")
    return Tables(*(folder / name for name in FOLDERS.values()))


READ = [t for t in TABLES.values() if t.name in {f.name for f in fields(Findings)} | {"tasks"}]


@pytest.mark.parametrize("table", READ, ids=lambda t: t.name)
def test_a_missing_file_names_itself_and_the_stage_to_run(tables, table):
    (getattr(tables, FOLDERS[table.stage]) / f"{table.name}.csv").unlink()
    with pytest.raises(DataError, match=f"{table.name}.csv.*run `cotrain {table.stage}`"):
        tables.load()


@pytest.mark.parametrize("table", READ, ids=lambda t: t.name)
def test_a_missing_column_names_itself(tables, table):
    path = getattr(tables, FOLDERS[table.stage]) / f"{table.name}.csv"
    column = table.columns[-1].name
    pd.read_csv(path).drop(columns=column).to_csv(path, index=False)
    with pytest.raises(DataError, match=f"{table.name}.csv: column `{column}` is missing"):
        tables.load()


@pytest.mark.parametrize("name", ["summary.json", "grouping.json"])
@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_broken_json_is_one_clear_error(tables, name, text):
    folder = tables.analysis if name == "summary.json" else tables.grouping
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(DataError, match=f"{name}.*run `cotrain (analyze|group)`"):
        tables.load()


def test_an_empty_file_is_a_data_error(tables):
    (tables.analysis / "relevance.csv").write_text("")
    with pytest.raises(DataError, match=r"relevance\.csv: No columns"):
        tables.load()


def test_a_word_among_numbers_names_its_row_and_column(tables):
    path = tables.validation / "comparison.csv"
    frame = pd.read_csv(path, dtype=object)
    frame.loc[1, "mean"] = "high"
    frame.to_csv(path, index=False)
    with pytest.raises(DataError, match="row 3, column `mean` must be a number, got 'high'"):
        tables.load()


@pytest.mark.parametrize(
    ("option", "name", "n_rows"),
    [
        ("affinity", "affinity", 20),
        ("affinity", "affinity_steps", 20),
        ("labels", "exchange_rates", 20),
        ("labels", "next_labels", 5),
    ],
)
def test_what_a_study_may_lack(make_tables, option, name, n_rows):
    assert getattr(make_tables(4).load(), name).empty
    assert len(getattr(make_tables(5, **{option: True}).load(), name)) == n_rows


@pytest.mark.parametrize("place", [None, 7, 0, "0"])
def test_a_task_is_served_by_a_group_that_holds_it(tables, place):
    path = tables.grouping / "grouping.json"
    values = json.loads(path.read_text())
    values["groups"] = [values["groups"][0][:-1], values["groups"][0][-1:]]
    served = dict.fromkeys(values["groups"][0], 0) | dict.fromkeys(values["groups"][1], 1)
    path.write_text(json.dumps(values | {"served_by": served}))
    assert tables.load().recommendation.served_by == served
    task = values["groups"][1][0]
    path.write_text(json.dumps(values | {"served_by": served | {task: place}}))
    with pytest.raises(DataError, match=rf"`served_by` must give '{task}' .*got {place!r}[)]; run"):
        tables.load()


def test_a_grouping_that_lacks_a_task_is_told(tables):
    found = tables.load().recommendation
    tasks = sorted({task for group in found.groups for task in group})
    assert Recommendation.of_table(tables.grouping, tasks, found.data_version) == found
    with pytest.raises(DataError, match=r"no group holds 'one more'[)]; run `cotrain group` again"):
        Recommendation.of_table(tables.grouping, [*tasks, "one more"], found.data_version)


def test_a_grouping_without_a_proof_has_no_bound(tables):
    path = tables.grouping / "grouping.json"
    unproven = {"bound": None, "gap": None, "is_optimal": False}
    path.write_text(json.dumps(json.loads(path.read_text()) | unproven))
    findings = tables.load()
    assert np.isnan(findings.recommendation.bound)
    assert "no certificate" in certificate(findings)


def test_names_are_read_as_they_stand(make_tables):
    findings = make_tables(4, names=("NA", "null", "007")).load()
    assert findings.tasks[:3] == ("NA", "null", "007")
    assert set(findings.relevance["source"]) == set(findings.tasks)


def test_numbers_are_read_to_the_last_bit(tables):
    value = 0.1 + 0.2
    path = tables.analysis / "transfer.csv"
    frame = pd.read_csv(path)
    frame["gain"] = [value, np.nan, 1e-17, -value]
    frame.to_csv(path, index=False)
    found = tables.load().transfer["gain"]
    assert found[0] == value
    assert np.isnan(found[1])
    assert found[2] == 1e-17


def test_a_null_figure_is_unknown(tables):
    path = tables.analysis / "summary.json"
    values = json.loads(path.read_text())
    values["reliability"] = {"mean": None, "low": None, "high": None, "repeats_needed": None}
    path.write_text(json.dumps(values))
    assert np.isnan(Findings.load(*vars(tables).values()).overview.reliability)
