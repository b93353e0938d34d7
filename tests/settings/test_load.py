from pathlib import Path

import pytest

from cotrain.exceptions import SettingsError
from cotrain.settings import load_settings

PARAMS = Path(__file__).parents[2] / "params.yaml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = PARAMS.read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_repository_s_own_params_are_valid():
    settings = load_settings(PARAMS)
    assert settings.fetch.kind == "moleculeace"
    assert settings.prepare.features.bits == 2048


def test_every_section_and_every_key_is_explained():
    lines = PARAMS.read_text().splitlines()
    nested = [line for line in lines if line.startswith("  ") and line.strip()]
    explained = [line for line in nested if "#" in line]
    assert len(explained) > len(nested) / 2


def test_an_anchor_that_is_set_anew_is_no_news(tmp_path, recwarn):
    path = changed(tmp_path, "seed: 0", "seed: &a 0")
    path.write_text(path.read_text().replace("n_folds: 10", "n_folds: &a 10"))
    assert load_settings(path).prepare.n_folds == 10
    assert list(recwarn) == []


def test_numbers_in_scientific_notation_are_numbers(tmp_path):
    path = changed(tmp_path, "learning_rate: 0.002", "learning_rate: 2e-3")
    assert load_settings(path).learner.learning_rate == 0.002


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "dropout: 0.5",
            "dropuot: 0.2",
            r"`learners.network.dropuot` is not a setting \(did you mean `dropo",
        ),
        ("  max_groups: ", "  # max_groups: ", "`group.max_groups` is missing"),
        (
            "dropout: 0.5",
            "dropout: much",
            "`learners.network.dropout` must be a valid number, got 'much'",
        ),
        ("dropout: 0.5", "dropout: 1.0", "`learners.network.dropout` must be less than 1, got 1.0"),
        (
            "  epochs: 10",
            "  epochs: '20'",
            "`learners.network.epochs` must be a valid integer, got '20'",
        ),
        (
            "  epochs: 10",
            "  epochs: 20.5",
            "`learners.network.epochs` must be a valid integer, got 20.5",
        ),
        (
            "engine: compiled",
            "engine: jax",
            "`learners.network.engine` must be 'compiled' or 'torch', got",
        ),
        (
            "kind: moleculeace",
            "kind: excel",
            "`fetch`: kind must be one of moleculeace, table, kiba",
        ),
        ("version: 3.0.0", "vershion: 3.0.0", "`fetch.version` is missing.*did you mean `version`"),
        ("kind: molecules", "kind: columns", "`prepare.features.columns` is missing; add it"),
        (
            "    bits: 2048",
            "    bits: many",
            "`prepare.features.bits` must be a valid integer, got",
        ),
        (
            "    kind: scaffold",
            "    knd: scaffold",
            "`prepare.split`: needs a `kind`: one of scaffold",
        ),
        ("levels: [3]", "levels: []", "`plan.augmentations.levels`"),
        ("group:", "grouping:", "`group` is missing.*`grouping` is not a setting"),
        ("dropout: 0.5", "dropout: 0.5\n    dropout: 0.3", "not valid YAML.*dropout"),
        ("dropout: 0.5", "dropout: [", "not valid YAML"),
        ("dropout: 0.5", "dropout: !!python/object:os.system x", "not valid YAML"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, old, new, message):
    path = changed(tmp_path, old, new)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "a list", "- 1\n- 2\n"])
def test_a_file_without_sections_is_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(SettingsError, match="must hold the sections fetch, prepare"):
        load_settings(tmp_path / "params.yaml")


def test_a_missing_file_names_init(tmp_path):
    with pytest.raises(SettingsError, match="make one with `cotrain init`"):
        load_settings(tmp_path / "params.yaml")
