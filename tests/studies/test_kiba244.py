"""The document of the KIBA244 study says what the files of its two runs say."""

import importlib.util
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
    for name in ("results", "with-128-units"):
        shutil.copytree(STUDY / name, tmp_path / name)
    path = tmp_path / "results" / "comparison.csv"
    table = pd.read_csv(path)
    table.loc[table["grouping"] == "recommended", "mean"] += 0.01
    table.to_csv(path, index=False)
    assert render.DOCUMENT.read_text(encoding="utf-8") != render.render(tmp_path)


def test_no_measured_number_is_typed():
    template = (STUDY / "kiba244.md.j2").read_text(encoding="utf-8")
    text = re.sub(r"\{[{%].*?[%}]\}", "", template, flags=re.DOTALL)
    decimals = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", text)
    # The paper, chance, the figure aimed at and those known before.
    assert set(decimals) <= {"2512.24866", "0.5", "0.830", "0.822", "0.773", "0.796"}


def test_the_table_of_targets_agrees_with_the_comparison():
    targets = pd.read_csv(STUDY / "results/targets.csv")
    table = pd.read_csv(STUDY / "results/comparison.csv")
    raw = table[(table["calibration"] == "raw") & (table["score"] == "auroc")]
    means = raw.set_index("grouping")["mean"]
    for way in ("single-task", "all together", "recommended"):
        assert targets[way].mean() == pytest.approx(means[way], abs=1e-3)


def test_targets_with_more_labels_are_in_later_quarters():
    sizes = pd.read_csv(STUDY / "results/sizes.csv")["labels"][:4]
    ends = [int(end.replace(",", "")) for row in sizes for end in row.split(" to ")]
    assert ends == sorted(ends)
