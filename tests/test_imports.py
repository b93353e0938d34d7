"""What is imported only when it is needed: commands answer sooner."""

import gc
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from cotrain.imports import importing

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


@pytest.mark.parametrize("name", ["train", "plan", "group"])
def test_these_stages_do_not_wait_for_the_surrogates_or_the_store(name):
    module = f"cotrain.stages.{name}"
    assert not loaded_by(module) & {"sklearn", "scipy.stats", "sqlalchemy"}


def test_a_study_that_tunes_nothing_waits_for_no_search_and_no_store():
    assert not loaded_by("cotrain.stages.tune") & {"optuna", "sqlalchemy"}


def test_settings_of_learners_wait_for_no_compiler():
    code = "import sys; from cotrain.registry import LEARNERS; LEARNERS.find('{}'); print(*sys.modules)"
    for kind in ("network", "forest", "linear", "kernel", "boosting", "pooled"):
        loaded = subprocess.run(
            [sys.executable, "-c", code.format(kind)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert "numba" not in loaded
        assert "cotrain.registry" in loaded


def test_reading_a_study_s_settings_waits_for_no_chemistry_and_no_workers():
    code = (
        "import sys; from cotrain.registry import FEATURIZERS, SPLITTERS, SOURCES, LEARNERS;"
        "FEATURIZERS.find('molecules'); SPLITTERS.find('scaffold'); SOURCES.find('table');"
        "[LEARNERS.find(one) for one in ('network', 'forest', 'linear', 'kernel')];"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"rdkit.Chem", "joblib", "scipy.optimize", "scipy.stats"}
    assert "cotrain.features._molecules" in loaded


def test_help_waits_for_no_settings_and_no_library_of_numbers():
    assert not loaded_by("cotrain.cli") & {"pydantic", "numpy", "pandas", *HEAVY}


def test_the_estimators_need_no_extra_and_the_command_line_names_its_own():
    script = Path(__file__).parent / "support" / "core_only.py"
    done = subprocess.run([sys.executable, script, "--hide"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = "cotrain: `click` is not installed; run `pip install 'cotrain[pipeline]'`"
    assert done.stderr.splitlines() == [told]


def test_a_study_names_the_extra_that_its_features_need(tmp_path):
    """A study of molecules where RDKit is not installed."""
    table = "smiles,a,b\n" + "".join(f"C{'C' * i}O,{i % 2},{i // 2 % 2}\n" for i in range(40))
    (tmp_path / "table.csv").write_text(table)
    code = (
        "import sys; sys.modules['rdkit'] = None\n"
        f"sys.argv = ['cotrain', 'init', r'{tmp_path / 's'}', '--csv', r'{tmp_path / 'table.csv'}']\n"
        "from cotrain.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "pip install 'cotrain[molecules]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_garbage_is_looked_for_again_after_an_import_that_fails():
    with pytest.raises(ImportError), importing():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()


def test_one_thread_imports_at_a_time():
    inside = []

    def second() -> None:
        with importing():
            inside.append("second")

    thread = Thread(target=second)
    with importing(), importing():  # one thread may, inside what it imports
        thread.start()
        thread.join(0.2)
        inside.append("first")
    thread.join()
    assert inside == ["first", "second"]
