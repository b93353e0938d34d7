from fractions import Fraction

import pytest

from cotrain.registry import Registry

NUMBERS = Registry("number", {"exact": "fractions:Fraction", "lost": "no_such_module:Number"})


def test_a_built_in_class_is_found_by_its_kind():
    assert NUMBERS.find("exact") is Fraction


def test_an_unknown_kind_names_those_there_are_and_the_entry_points():
    with pytest.raises(ValueError, match=r"one of exact, lost, got 'odd'.*`cotrain.numbers`"):
        NUMBERS.find("odd")


def test_a_class_that_cannot_be_imported_says_why():
    with pytest.raises(ValueError, match="the number `lost` cannot be imported.*no_such_module"):
        NUMBERS.find("lost")


def test_an_installed_entry_point_adds_a_kind(tmp_path, monkeypatch):
    package = tmp_path / "stranger-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[cotrain.numbers]\nlong = decimal:Decimal\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert NUMBERS.kinds() == ("exact", "lost", "long")
    assert NUMBERS.find("long").__name__ == "Decimal"
