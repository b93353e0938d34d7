"""What is imported only when it is needed: commands answer sooner."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "mlflow", "rdkit", "matplotlib"}


def loaded_by(module: str) -> set[str]:
    code = f"import sys, importlib; importlib.import_module('{module}'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("cotrain.stages.analyze", set()),
        ("cotrain.stages.group", set()),
        ("cotrain.stages.report", set()),
        ("cotrain.stages.train", set()),
        ("cotrain.stages.plan", set()),
    ],
)
def test_a_stage_loads_what_it_needs(module, needed):
    loaded = loaded_by(module)
    assert loaded & HEAVY <= needed
    assert module in loaded  # the list is one of modules indeed


@pytest.mark.parametrize("module", ["cotrain.stages.train", "cotrain.stages.plan"])
def test_training_does_not_wait_for_the_surrogates(module):
    assert not loaded_by(module) & {"sklearn", "scipy.stats"}


def test_help_waits_for_no_library_of_numbers():
    assert not loaded_by("cotrain.cli") & {"numpy", "pandas", *HEAVY}
