"""What a first result takes: `cotrain init --csv`, then `dvc repro`, of this code and of another.

    python benchmarks/first_result.py TABLE.csv [--other CHECKOUT] [--rounds 3]

CHECKOUT is another commit's folder; it runs in this environment, in turn with this code. A round
that fills caches goes first and does not count. Seconds by the clock tell of an idle machine alone.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from curves_study import markdown

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    codes = {"this": HERE} | ({} if arguments.other is None else {"other": arguments.other})
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
    for _ in range(arguments.rounds + 1):
        for name, checkout in codes.items():
            found[name].append(first_result(checkout.resolve(), arguments.table.resolve()))
    medians = {
        name: [statistics.median(each) for each in zip(*rounds[1:], strict=True)]
        for name, rounds in found.items()
    }
    rows = [
        [name, *(f"{seconds:.1f}" for seconds in each), f"{each[0] / medians['this'][0]:.2f}"]
        for name, each in medians.items()
    ]
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(markdown(machine, ["code", "s by the clock", "processor s", "ratio by the clock"], rows))


def first_result(checkout: Path, table: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor, with all processes."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as scripts:
        _make_script(checkout, Path(scripts) / "cotrain")
        places = (scripts, str(Path(sys.executable).parent), os.environ["PATH"])
        environment["PATH"] = os.pathsep.join(places)
        start, before = time.perf_counter(), _processor_seconds()
        for command in (["cotrain", "init", ".", "--csv", str(table)], ["dvc", "repro"]):
            done = subprocess.run(
                command, cwd=home, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(f"{' '.join(command)}, of {checkout}, failed:\n{done.stderr}")
        return time.perf_counter() - start, _processor_seconds() - before


def _make_script(checkout: Path, script: Path) -> None:
    """The command as pip would make it: commits differ in where it begins."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, name = project["scripts"]["cotrain"].split(":")
    script.write_text(f"#!{sys.executable}\nfrom {module} import {name}\n{name}()\n")
    script.chmod(0o755)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
