"""Run the study and write down what it took: `python run.py`, and the same again after a kill.

Runs `dvc repro` with the arguments that are given, and every few seconds adds to `run.json` what
the stage under way has taken and how much memory all its processes have. A run after a kill adds
to what is written there.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import psutil
from _fits import STUDY

from cotrain.files import write_json
from cotrain.training import Journal

RECORD = Path(__file__).parent / "run.json"
SECONDS_BETWEEN_SAMPLES = 3.0


class Stage:
    """The stage that DVC says it runs; its output is passed on."""

    def __init__(self, output: IO[str]) -> None:
        self.name: str | None = None
        threading.Thread(target=self._follow, args=(output,), daemon=True).start()

    def _follow(self, output: IO[str]) -> None:
        for line in output:
            print(line, end="", flush=True)
            if found := re.match(r"Running stage '(.+)'", line):
                self.name = found[1]


def memory(process: psutil.Process) -> int:
    """Bytes that a process and those that it started have; shared pages count for each."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    record = {"seconds": {}, "peak_bytes": 0, "kept": []}
    if RECORD.exists():
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    journal = Journal(STUDY.journal)
    record["kept"].append(len(journal.recorded()))
    dvc = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *sys.argv[1:]],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    process, stage, last = psutil.Process(dvc.pid), Stage(dvc.stdout), time.monotonic()
    while dvc.poll() is None:
        time.sleep(SECONDS_BETWEEN_SAMPLES)
        now = time.monotonic()
        if stage.name is not None:
            before = record["seconds"].get(stage.name, 0.0)
            record["seconds"][stage.name] = before + now - last
        last = now
        record["peak_bytes"] = max(record["peak_bytes"], memory(process))
        record["n_fits"] = len(journal.recorded())
        write_json(RECORD, record)
    sys.exit(dvc.returncode)


if __name__ == "__main__":
    main()
