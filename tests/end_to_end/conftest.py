import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


small_study = _load("small_study")


def run_in(folder: Path, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of this environment in a study's folder, as a user would."""
    environment = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command,
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(folder: Path, *command: str, **variables: str) -> str:
    """Run a command that must succeed; what it printed."""
    done = run_in(folder, *command, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that `dvc repro` has finished. Not to be changed: copy it."""
    folder = small_study.make_small_study(tmp_path_factory.mktemp("finished") / "study")
    succeed(folder, "dvc", "repro")
    return folder


@pytest.fixture
def study(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(finished_study, tmp_path / "study", symlinks=True)
