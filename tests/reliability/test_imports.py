"""The rooms of estimators serve who has arrays alone: no training, tracking or settings."""

import subprocess
import sys

import pytest

BLOCKED = ("torch", "pydantic", "optuna", "mlflow", "numba", "rdkit", "dvc", "matplotlib", "click")


# Found first, it makes their imports fail as if they were not installed.
BLOCK = f"""
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}")

sys.meta_path.insert(0, Blocked())
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", BLOCK + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("room", ["reliability", "surrogates", "curves"])
def test_a_room_of_estimators_needs_no_more_than_scipy_scikit_learn_and_pandas(room):
    result = run(f"import cotrain.{room} as room; [getattr(room, name) for name in room.__all__]")
    assert result.returncode == 0, result.stderr


def test_blocked_packages_cannot_be_imported():
    assert "blocked: torch" in run("import torch").stderr
