"""The document of the KIBA244 study says what the files of its pipeline say."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from cotrain.settings import load_settings

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "kiba244"


def test_the_settings_are_those_of_this_version():
    assert load_settings(STUDY / "params.yaml").fetch.kind == "kiba"


@pytest.fixture(scope="module")
def render():
    spec = importlib.util.spec_from_file_location("kiba244_render", STUDY / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_number_of_the_document_is_that_of_the_files(render):
    assert render.DOCUMENT.read_text(encoding="utf-8") == render.render()


def test_a_changed_figure_is_noticed(render, tmp_path):
    shutil.copytree(STUDY / "answers", tmp_path / "answers")
    shutil.copy(STUDY / "run.json", tmp_path / "run.json")
    path = tmp_path / "answers" / "together" / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    figures["rows"][0]["together"] += 0.01
    path.write_text(json.dumps(figures), encoding="utf-8")
    assert render.DOCUMENT.read_text(encoding="utf-8") != render.render(tmp_path)


def test_no_measured_number_is_typed():
    template = (STUDY / "kiba244.md.j2").read_text(encoding="utf-8")
    text = re.sub(r"\{[{%].*?[%}]\}", "", template, flags=re.DOTALL)
    decimals = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", text)
    # The paper, the threshold of the labels, chance, and the reliability that is asked for.
    assert set(decimals) <= {"2512.24866", "3.0", "0.5", "0.8"}


def test_the_fit_table_agrees_with_the_answers():
    fits = pd.read_parquet(STUDY / "fits.parquet")
    assert (STUDY / "fits.parquet").stat().st_size < 10e6
    top = fits[(fits["plan"] == "scaffold_folds") & (fits["level"] == fits["level"].max())]
    wide = top.pivot_table(index=["task", "repeat"], columns="kind", values="test_auroc").dropna()
    means = wide.groupby("task").mean()
    figures = json.loads((STUDY / "answers/together/figures.json").read_text(encoding="utf-8"))
    row = figures["rows"][0]
    assert (row["split"], row["score"]) == ("scaffold", "auroc")
    assert means["single"].mean() == pytest.approx(row["single"], abs=1e-4)
    assert means["together"].mean() == pytest.approx(row["together"], abs=1e-4)
    gains = means["together"] - means["single"]
    assert (gains > 0).mean() == pytest.approx(row["better"]["value"], abs=0.01)
