"""`help` on classes of the Python API says what they hold; it shows no comments beside fields."""

import dataclasses
import importlib
import inspect

import pytest

PACKAGES = ("curves", "gradients", "grouping", "reliability", "surrogates")
INTERNAL = {"Form", "TaskGradients"}  # made and read by the packages themselves
CLASSES = [
    pytest.param(found, id=name)
    for package in PACKAGES
    for module in [importlib.import_module(f"cotrain.{package}")]
    for name in module.__all__
    if inspect.isclass(found := getattr(module, name)) and dataclasses.is_dataclass(found)
    if name not in INTERNAL
]


@pytest.mark.parametrize("found", CLASSES)
def test_every_field_is_told(found):
    told = inspect.getdoc(found) or ""
    assert "\nAttributes\n-----" in told or "\nParameters\n-----" in told
    assert [each.name for each in dataclasses.fields(found) if each.name not in told] == []
