import gzip
import os
from pathlib import Path

import pytest

from cotrain.exceptions import DataError
from cotrain.sources._kiba import Kiba


def write(folder: Path, scores: list[str], compounds: list[str]) -> None:
    for name, lines in {"scores": scores, "compounds": compounds}.items():
        with gzip.open(folder / f"{name}.csv.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")


SCORES = ["chembl_id,uniprot,kiba"]
# P: 2 active, 2 not. Q: 3.0 is active, so 2 and 1. R: too few.
SCORES += ["c1,P,1", "c2,P,2.9", "c3,P,3.1", "c4,P,9", "c1,Q,3.0", "c2,Q,3", "c4,Q,4", "c1,R,1"]
COMPOUNDS = ["chembl_id,smiles", "c1,C", "c2,CC", "c4,"]


def test_targets_are_chosen_before_compounds_without_smiles_are_dropped(tmp_path):
    write(tmp_path, SCORES, COMPOUNDS)
    source = Kiba.Settings(kind="kiba", path=".", min_scores=3, min_per_class=2, threshold=3.0)
    measurements = Kiba(source).read(tmp_path)
    # Among compounds with SMILES, P has two scores only and would not be chosen.
    assert measurements.records.to_numpy().tolist() == [
        ["scores.csv.gz", 2, "c1"],
        ["scores.csv.gz", 3, "c2"],
    ]
    assert measurements.inputs["smiles"].tolist() == ["C", "CC"]
    assert measurements.values.to_numpy().tolist() == [[0, "P", 1.0, ""], [1, "P", 2.9, ""]]
    assert measurements.summary.to_numpy().tolist() == [
        ["read", 4, 3, 8],
        ["targets with enough scores", 4, 1, 4],
        ["compounds with SMILES", 2, 1, 2],
    ]


def test_bad_input(tmp_path):
    source = Kiba.Settings(kind="kiba", path=".", min_scores=5, min_per_class=1, threshold=3.0)
    with pytest.raises(DataError, match=r"scores\.csv\.gz: cannot be read \(No such file"):
        Kiba(source).read(tmp_path)
    write(tmp_path, SCORES, COMPOUNDS)
    with pytest.raises(DataError, match=r"no target has 5 scores.* lower `fetch.min_scores`"):
        Kiba(source).read(tmp_path)
    easy = source.model_copy(update={"min_scores": 1})
    write(tmp_path, SCORES, [*COMPOUNDS, "c1,CCC"])
    with pytest.raises(DataError, match=r"compounds\.csv\.gz: the compound `c1` stands twice"):
        Kiba(easy).read(tmp_path)
    write(tmp_path, [*SCORES, "c1,P,strong"], COMPOUNDS)
    with pytest.raises(DataError, match=r"row 10, column `kiba`: 'strong' is not a number"):
        Kiba(easy).read(tmp_path)
    (tmp_path / "scores.csv.gz").write_text("plain text")
    with pytest.raises(DataError, match=r"scores\.csv\.gz: cannot be read"):
        Kiba(easy).read(tmp_path)


@pytest.mark.skipif("COTRAIN_KIBA" not in os.environ, reason="COTRAIN_KIBA names no folder")
def test_published_matrix_gives_kiba244():
    path = os.environ["COTRAIN_KIBA"]
    source = Kiba.Settings(kind="kiba", path=path, min_scores=100, min_per_class=10, threshold=3.0)
    summary = Kiba(source).read(Path()).summary
    # The matrix has 52,498 compounds, but only these have a score.
    assert summary.to_numpy().tolist() == [
        ["read", 51961, 467, 243251],
        ["targets with enough scores", 51097, 244, 228399],
        ["compounds with SMILES", 44824, 244, 216706],
    ]
