"""The hashed requirements are made from constraints.txt; they must not fall behind it."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def versions(name: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def needed(text: str) -> set[str]:
    """A requirement and all that it brings on this machine, without torch and what that brings."""
    found, waiting = set(), [Requirement(text)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name == "torch" or str(wanted) in found:
            continue
        found |= {name, str(wanted)}
        try:
            others = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        extras = wanted.extras | {""}
        waiting += [
            other
            for other in others
            if other.marker is None or any(other.marker.evaluate({"extra": e}) for e in extras)
        ]
    return {name for name in found if re.fullmatch(r"[a-z0-9-]+", name)} - {"cotrain"}


def test_hashed_requirements_are_what_the_constraints_say():
    pins, hashed = versions("constraints.txt"), versions("requirements-hashed.txt")
    if not pins:
        pytest.skip("the newest versions are tried")
    behind = {name: version for name, version in hashed.items() if pins.get(name) != version}
    assert behind == {}, "run `make hashes`"
    assert needed("cotrain[all]") - set(hashed) == set(), "run `make hashes`"
    assert "torch" not in hashed


def test_licences_are_listed_of_what_the_constraints_say():
    pins = versions("constraints.txt")
    rows = re.findall(r"^\| ([\w.-]+) \| ([^ +]+)", (ROOT / "docs/licences.md").read_text(), re.M)
    listed = {canonicalize_name(package): version for package, version in rows}
    behind = {name: version for name, version in pins.items() if listed.get(name) != version}
    assert behind == {}, "run `make licences`"
