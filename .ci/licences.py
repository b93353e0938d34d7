"""The licences of all that cotrain installs here, as its packages tell them: a table of Markdown.

    make licences

Packages are followed from cotrain's own requirements, extras included; what an environment marker
leaves out on this machine is left out here.
"""

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def licence(package: Distribution) -> str:
    """The expression, else the classifiers, else the first line of the text."""
    about = package.metadata
    if expression := about.get("License-Expression"):
        return expression
    classifiers = about.get_all("Classifier") or []
    named = [
        text.split(" :: ")[-1]
        for text in classifiers
        if text.startswith("License ::") and text != "License :: OSI Approved"
    ]
    lines = (about.get("License") or "").strip().splitlines()
    return "; ".join(named) or (lines[0][:80] if lines else "not told; see its page")


def installed(root: str) -> dict[str, Distribution]:
    """A package and all that it requires, by name; of the root all extras."""
    found: dict[str, Distribution] = {}
    waiting = [(root, frozenset(distribution(root).metadata.get_all("Provides-Extra") or []))]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for text in found[name].requires or []:
            wanted = Requirement(text)
            marker = wanted.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""}):
                waiting.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return found


def main() -> None:
    packages = installed("cotrain")
    print("# Licences of what cotrain installs\n")
    print(
        f"Made by `make licences` with Python {sys.version_info[0]}.{sys.version_info[1]} on {sys.platform}.\n"
    )
    print("| package | version | licence |\n| --- | --- | --- |")
    for name in sorted(set(packages) - {"cotrain"}):
        package = packages[name]
        print(
            f"| {package.metadata['Name']} | {package.version} | {licence(package).replace('|', '/')} |"
        )


if __name__ == "__main__":
    main()
