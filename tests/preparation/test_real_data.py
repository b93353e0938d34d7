from dataclasses import replace
from pathlib import Path

import pytest

from cotrain.exceptions import DataError
from cotrain.preparation import prepare
from cotrain.settings import load_settings
from cotrain.sources import fetch
from cotrain.splits import murcko_scaffolds

ROOT = Path(__file__).parents[2]
TASKS = ["CHEMBL1862_Ki", "CHEMBL2047_EC50", "CHEMBL2835_Ki"]


@pytest.mark.slow
def test_three_targets_of_the_real_wheel(tmp_path):
    settings = load_settings(ROOT / "params.yaml")
    try:
        raw = fetch(settings.fetch, tmp_path)
    except DataError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(f"no network: {error}")
    chosen = raw.values[raw.values["task"].isin(TASKS)]
    evaluations = [[0, 1], [2, 3, 4, 5, 6], [7, 8, 9]]
    prepared = prepare(replace(raw, values=chosen), settings.prepare, evaluations)
    table = prepared.table
    assert table.tasks == tuple(TASKS)
    assert table.labels.nnz == len(chosen)
    assert prepared.rejects.empty
    assert prepared.conflicts.empty
    folds_of: dict[str, set[int]] = {}
    for scaffold, fold in zip(murcko_scaffolds(table.examples), table.folds, strict=True):
        folds_of.setdefault(scaffold, set()).add(int(fold))
    acyclic = folds_of.pop("", set())
    assert all(len(folds) == 1 for folds in folds_of.values())
    assert len(acyclic) <= 10
    assert table.positive_counts.sum() == (chosen["value"] <= 100).sum()
    share = table.label_counts / table.label_counts.sum(axis=1, keepdims=True)
    assert share.max() < 0.25
