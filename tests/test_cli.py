import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from cotrain import cli
from cotrain.exceptions import DataError


def cotrain(*arguments: str, folder=None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from cotrain.cli import main; main()", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_stage_in_order():
    said = CliRunner().invoke(cli.cotrain, ["--help"]).output
    stages = ("fetch", "prepare", "plan", "train", "analyze", "group", "validate", "report")
    places = [said.index(f"\n  {name} ") for name in ("init", *stages, "export")]
    assert places == sorted(places)


def test_help_does_not_wait_for_heavy_packages():
    code = (
        "import sys; from click.testing import CliRunner; from cotrain.cli import cotrain; "
        "CliRunner().invoke(cotrain, ['--help']); "
        "print(sorted({'torch', 'mlflow', 'optuna', 'sklearn', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sums_are_taken_by_one_thread_whatever_the_machine(tmp_path):
    code = (
        "import sys; from click.testing import CliRunner; from cotrain.cli import cotrain; "
        "CliRunner().invoke(cotrain, ['-C', sys.argv[1], 'check']); import numpy, threadpoolctl; "
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    free = {name: v for name, v in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=free, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1}"


@pytest.mark.parametrize("stage", ["fetch", "prepare", "plan", "analyze", "group", "report"])
def test_a_folder_that_is_no_study_is_one_clear_error(tmp_path, stage):
    done = cotrain(stage, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("cotrain: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path):
    done = cotrain("--debug", "fetch", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_an_unknown_plan_names_the_known_ones(tmp_path):
    done = cotrain("train", "everything", folder=tmp_path)
    assert done.returncode == 2
    assert "subsets" in done.stderr


def test_a_user_s_mistake_ends_with_code_2(monkeypatch, capsys):
    def fail(*_):
        raise DataError("file, row 3: what is wrong; what to do")

    monkeypatch.setattr(cli, "_run_stage", fail)
    monkeypatch.setattr(sys, "argv", ["cotrain", "fetch"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "cotrain: file, row 3: what is wrong; what to do\n"


def test_ctrl_c_ends_with_code_130(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run_stage", interrupt)
    monkeypatch.setattr(sys, "argv", ["cotrain", "fetch"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 130
    assert "finished fits are kept" in capsys.readouterr().err


def test_a_traceback_holds_no_password():
    code = """
import cotrain.cli, cotrain.__main__
def broken():
    raise RuntimeError("postgresql://me:secret@host/runs is away")
cotrain.cli.main = broken
cotrain.__main__.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: postgresql://***@host/runs is away" in done.stderr
    assert "secret" not in done.stderr
