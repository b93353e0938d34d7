import os
import shutil
from pathlib import Path

import pytest
from commands import type_in
from small_study import make_small_study


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that `dvc repro` has finished. Not to be changed: copy it.

    Continuous integration has made it, by another installation of cotrain.
    """
    if made := os.environ.get("COTRAIN_CI_STUDY"):
        return Path(made)
    folder = make_small_study(tmp_path_factory.mktemp("finished") / "study")
    type_in(folder, "dvc", "repro")
    return folder


@pytest.fixture
def study(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(finished_study, tmp_path / "study", symlinks=True)
