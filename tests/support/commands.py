"""Commands in a study's folder: as users type them, or in this process where that saves time."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cotrain.cli import main

STAGES = (
    "fetch", "prepare", "tune", "plan", "train", "affinity", "analyze", "group", "validate",
    "report",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def environment() -> dict[str, str]:
    """Return the variables for a command of this environment, without the user's MLflow."""
    kept = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "OMP_NUM_THREADS": "1"}


def type_in(folder: Path, *command: str) -> str:
    """Return what a command printed that must succeed, run in `folder` as a user would."""
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def cotrain(folder: Path, *arguments: str) -> Done:
    """Run `cotrain` on the study in `folder`, in this process: heavy packages are read once."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["cotrain", "--study", str(folder), *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def succeed(folder: Path, *arguments: str) -> str:
    """Return what `cotrain` printed, which must succeed."""
    done = cotrain(folder, *arguments)
    assert done.code == 0, done.out + done.err
    return done.out


def run_stages(folder: Path) -> None:
    """Run a study from its source to its report, in this process."""
    for stage in STAGES:
        succeed(folder, *stage.split())


def complaint(done: Done) -> str:
    """Return the one line that a user's mistake must end in, with exit code 2."""
    assert done.code == 2, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("cotrain: ")
    return lines[0]
