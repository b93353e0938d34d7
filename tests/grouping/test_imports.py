"""The room stands on numpy, scipy, scikit-learn and pandas alone until Optuna is asked to search."""

import subprocess
import sys

PROGRAM = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"optuna", "numba", "torch", "mlflow", "rdkit", "pydantic"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import numpy as np
from cotrain.grouping import select_groups
affinity = np.random.default_rng(0).normal(size=(6, 6))
print(select_groups(affinity, max_groups=2).certificate)
"""


def test_groups_are_selected_and_proven_without_optional_packages() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "optimal", done.stderr
