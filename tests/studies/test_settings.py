"""The studies of the repository are what this version reads, and what its `init` would make."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cotrain.settings import load_settings

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path.parent.name for path in (ROOT / "studies").glob("*/params.yaml"))


@pytest.mark.parametrize("name", STUDIES)
def test_settings_and_pipelines_are_those_of_this_version(name):
    study, yaml = ROOT / "studies" / name, YAML(typ="safe")
    settings = load_settings(study / "params.yaml")
    pipelines = (study / "dvc.yaml", ROOT / "src" / "cotrain" / "templates" / "pipeline.yaml")
    stages, template = (yaml.load(path.read_text(encoding="utf-8"))["stages"] for path in pipelines)
    if name == "kiba244":  # has stages of its own
        assert {"prepare", "tune", "plan", "group", "validate"} <= set(stages)
        return
    for stage, made in template.items():
        # `init` adds the files of the user's.
        added = set(stages[stage].pop("deps", [])) - set(made.pop("deps", []))
        assert stages[stage] == made
        assert added <= {
            settings.fetch.path,
            getattr(settings.prepare.features, "path", ""),
            "trunk.py",
        }
    # What the README says makes the table is what the settings read.
    assert settings.fetch.path in (study / "README.md").read_text(encoding="utf-8")
