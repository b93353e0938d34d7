import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cotrain.exceptions import CotrainError
from cotrain.files import (
    cut_half_line,
    save_arrays,
    unquoted,
    whole_file,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    code = f"""
import os, signal
from pathlib import Path
from cotrain.files import save_arrays, whole_file
with whole_file(Path({str(path)!r})) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    assert path.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_full_disk_is_one_clear_error(tmp_path):
    with (
        pytest.raises(CotrainError, match="No space left on device.*free space"),
        whole_file(tmp_path / "file"),
        Path("/dev/full").open("w") as full,
    ):
        full.write("text")


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    with pytest.raises(CotrainError, match="cannot be written"):
        write_text(tmp_path / "blocked" / "file", "text")


def test_files_are_as_readable_as_the_umask_allows(tmp_path):
    write_text(tmp_path / "file", "text")
    expected = tmp_path / "expected"
    expected.touch()
    assert (tmp_path / "file").stat().st_mode == expected.stat().st_mode


def test_tables_come_back_as_they_were(tmp_path):
    frame = pd.DataFrame({"name": ["a", "b"], "value": [0.1 + 0.2, 1e-300]})
    write_csv(tmp_path / "frame.csv", frame)
    write_parquet(tmp_path / "frame.parquet", frame)
    assert (tmp_path / "frame.csv").read_text() == "name,value\na,0.30000000000000004\nb,1e-300\n"
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "frame.parquet"), frame)


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"score": float("nan")})
    assert not (tmp_path / "file.json").exists()


def test_arrays_give_the_same_bytes_whatever_the_version_of_python(tmp_path: Path):
    """Their digest is of Python 3.11.2, whose zipfile pads other headers than that of 3.11.7."""
    save_arrays(
        tmp_path / "a.npz", "test", {"x": np.arange(6.0).reshape(2, 3), "y": np.array(["é"])}
    )
    digest = hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert digest == "e113f88b2167655c5ec1c842a55dca9af3b36078187b314d18085ea494a2809b"


def test_no_cell_or_head_of_a_csv_starts_a_formula_and_texts_come_back(tmp_path):
    texts = ["=1+1", "@x", "-a", "+b", "'=x", "'plain", "-5", "C=O", ""]
    write_csv(tmp_path / "a.csv", pd.DataFrame({"=head": texts, "n": range(9)}))
    found = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    assert found.columns.tolist() == ["'=head", "n"]
    cells = found["'=head"]
    assert cells[cells.str.match(r"[=+\-@]")].tolist() == ["-5"]  # a number
    assert unquoted(cells).tolist() == texts


@pytest.mark.parametrize(
    ("text", "left"), [("a\nb\nhalf", "a\nb\n"), ("half", ""), ("a\n", "a\n"), ("", "")]
)
def test_half_a_line_is_cut_off(tmp_path, text, left):
    (tmp_path / "a.log").write_text(text)
    cut_half_line(tmp_path / "a.log")
    assert (tmp_path / "a.log").read_text() == left
    cut_half_line(tmp_path / "none.log")
    assert not (tmp_path / "none.log").exists()
