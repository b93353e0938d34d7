"""Kill commands of a small study at random moments, go on, and compare with an undisturbed run.

    python tests/chaos/kill.py --kills 1000 --folder /tmp/kills

An episode puts the study back to where it stood before a command, starts the command again and
again and ends it each time: by SIGKILL, SIGINT or SIGTERM, to it alone or to all that it started,
or by a limit on the size of files, as a full disk would. Then it lets the command finish. Counted are

lost       finished fits that were gone after a kill, or runs that MLflow lacks in the end
doubled    fits that were trained again, or that have two runs in MLflow
different  files of results that differ from those of the undisturbed run
dead       commands that could not go on, or did not end
left       processes or half written files that stayed
unclear    ends by a traceback, or by a full disk without one line and exit code 2

Each episode is a line of `kills.jsonl`; the same call goes on from there. What went wrong is kept in
`faults/`. Commands are forked from this process, which has imported what they use, so that kills
meet work instead of imports; `dvc repro`, `init` and every fifth command are started anew.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import psutil
from _tiny import contents, leftovers, make_tiny_study, runs
from commands import environment
from small_study import change_params

from cotrain.cli import main as cotrain_main
from cotrain.training import Journal

STAGES = (
    "fetch", "prepare", "tune", "plan", "train", "affinity", "analyze", "group", "validate",
    "report", "export",
)  # fmt: skip
WORKERS = [(1, "threading"), (8, "threading"), (2, "loky"), (8, "loky"), (2, "dask")]
COUNTS = ("lost", "doubled", "different", "dead", "left", "unclear")
GRACE, LONGEST = 15.0, 600.0
STOPPED = {0, 2, 130, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM}


def scenarios() -> list[tuple[str, int, str]]:
    """(command, workers, backend); those that train come with each way of training."""
    found = [
        (name, 2, "threading") for name in (*STAGES, "restore", "repro", "init", "first start")
    ]
    found += [("group in SQLite", 2, "threading")]
    found += [("train", n, how) for n, how in WORKERS]
    # Of what takes longest, not every way.
    return [*found, ("tune", 8, "loky"), ("validate", 8, "loky"), ("validate", 2, "dask")]


class Bench:
    """A study at one place, the states it had before each command, and what was found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.study, self.states = folder, folder / "study", folder / "states"
        self.said = folder / "said.txt"
        self.seconds: dict[tuple[str, int, str, bool], float] = {}

    def prepare(self) -> None:
        """Run the study undisturbed, keeping its state before each command."""
        if not (self.states / STAGES[0]).exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            make_tiny_study(self.study)
            self._keep(STAGES[0])
        for stage, after in pairwise([*STAGES, "end"]):
            if (self.states / after).exists():
                continue
            shutil.rmtree(self.study, ignore_errors=True)
            shutil.copytree(self.states / stage, self.study, symlinks=True)
            command = ["cotrain", "--study", str(self.study), *stage.split()]
            subprocess.run(command, env=environment(), check=True, capture_output=True)
            self._keep(after)

    def _keep(self, name: str) -> None:
        part = self.states / f"{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(self.study, part, symlinks=True)
        part.rename(self.states / name)

    def reset(self, name: str, workers: int, backend: str) -> Path:
        """Put the study where it stood before a command; the folder of what must come of it."""
        shutil.rmtree(self.study, ignore_errors=True)
        if name == "init":
            return self.states / "fetch"
        before = {"group in SQLite": "group", "first start": "train", "repro": "fetch"}
        state = before.get(name, name)
        shutil.copytree(
            self.states / ("end" if state == "restore" else state), self.study, symlinks=True
        )
        if name in ("restore", "first start"):
            for path in self.study.glob("mlflow.db*"):
                path.unlink()
        change_params(self.study, {"train.workers": workers, "train.backend": backend})
        if state == "restore":
            return self.states / "end"
        order = [*STAGES, "end"]
        return self.states / ("export" if name == "repro" else order[order.index(state) + 1])

    def start(self, name: str, anew: bool, limit: int | None = None) -> "Command":
        """Start a command: forked, or anew."""
        words = {
            "repro": ["dvc", "repro"],
            "init": ["cotrain", "init", str(self.study)],
            "first start": ["cotrain", "--study", str(self.study), "train"],
            "group in SQLite": ["cotrain", "--study", str(self.study), "group"],
        }.get(name, ["cotrain", "--study", str(self.study), *name.split()])
        extra = {}
        if name == "group in SQLite":
            extra = {"OPTUNA_STORAGE": f"sqlite:///{self.study}/.cotrain/search.db"}
        where = self.study if name == "repro" else self.folder
        return Command(words, environment() | extra, where, self.said, anew, limit)


class Command:
    """A command in a process group of its own, so that what it starts can be found."""

    def __init__(
        self, words: list[str], variables: dict[str, str], where: Path, said: Path,
        anew: bool, limit: int | None,
    ) -> None:  # fmt: skip
        self.words = words
        self.pid = os.fork()
        if self.pid:
            with contextlib.suppress(OSError):  # whoever comes first
                os.setpgid(self.pid, self.pid)
            return
        try:
            os.setpgid(0, 0)
            os.chdir(where)
            os.environ.clear()
            os.environ.update(variables)
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            if anew:
                os.execvp(words[0], words)
            sys.argv = words
            cotrain_main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        # As an interpreter ends: threads of pools and processes of theirs are told.
        import atexit
        import threading

        threading._shutdown()
        atexit._run_exitfuncs()
        os._exit(code)

    def wait(self, seconds: float) -> int | None:
        """The exit code, negative if by a signal; None if it goes on."""
        deadline = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.01)

    def end(self, how: int, everyone: bool) -> None:
        """Send a signal to it, or to all in its group."""
        (os.killpg if everyone else os.kill)(self.pid, how)

    def survivors(self) -> list[int]:
        """What it started and what is still there after some seconds."""
        deadline = time.monotonic() + GRACE
        while True:
            found = [pid for pid in psutil.pids() if self._is_ours(pid)]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def _is_ours(self, pid: int) -> bool:
        try:
            ours = os.getpgid(pid) == self.pid
            return ours and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False


def entries(study: Path) -> dict[str, bytes]:
    """The fits in the journal that can be read, as they are in their files."""
    journal = Journal(study / ".cotrain/fits")
    bad = set(journal.damaged())
    paths = [
        path for path in journal.folder.glob("*/*.npz") if path not in bad and path.name[0] != "."
    ]
    return {path.stem: path.read_bytes() for path in paths}


def episode(bench: Bench, scenario: tuple[str, int, str], rng: random.Random, anew: bool) -> dict:
    """Kill one command several times, let it finish, compare."""
    name, workers, backend = scenario
    found: Counter = Counter()
    wrong: list[str] = []
    wanted = bench.reset(name, workers, backend)
    anew = anew or name in ("repro", "init")
    guess = 12.0 if name == "repro" else 3.0 if anew else 0.5
    usual = guess if name == "repro" else bench.seconds.get((*scenario, anew), guess)
    known: dict[str, bytes] = entries(bench.study)
    kills: list[str] = []

    def note(kind: str, what: str) -> None:
        found[kind] += 1
        wrong.append(f"{kind}: {what}")

    def look(command: Command) -> None:
        for pid in command.survivors():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                note("left", f"process {' '.join(psutil.Process(pid).cmdline())[:200]}")
                os.kill(pid, signal.SIGKILL)
        now = entries(bench.study)
        for key, data in known.items():
            if now.get(key) != data:
                note("lost" if key not in now else "doubled", key)
        known.update(now)

    for _ in range(rng.randint(3, 9)):
        how = rng.choice(["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM", "full disk"])
        if how == "full disk" and name in ("repro", "init"):
            how = "SIGKILL"
        limit = int(10 ** rng.uniform(2, 6.3)) if how == "full disk" else None
        command = bench.start(name, anew, limit)
        code = command.wait(LONGEST if limit else rng.uniform(0.02, 1.05) * usual)
        if code is None and how != "full disk":
            everyone = how == "SIGINT" or rng.random() < 0.5
            command.end(getattr(signal, how), everyone)
            kills.append(f"{how}{' to all' if everyone else ''}")
            code = command.wait(LONGEST)
        elif limit is not None and code != 0:
            kills.append(how)
            lines = bench.said.read_text(errors="replace").strip().splitlines()
            if code != 2 or not any(line.startswith("cotrain: ") for line in lines[-1:]):
                note("unclear", f"full disk, code {code}: {lines[-1:]}")
        if code is None:
            note("dead", f"does not end by {how}")
            command.end(signal.SIGKILL, True)
            command.wait(LONGEST)
        text = bench.said.read_text(errors="replace")
        if "Traceback" in text and not anew:
            note("unclear", f"{how}, code {code}: {text[-1500:]}")
        look(command)
    if name == "init" and (bench.study / "dvc.yaml").exists():
        compare(bench.study, wanted, name, note)  # a kill after the end: there is nothing to go on
        shutil.rmtree(bench.study)
    started = time.monotonic()
    command = bench.start(name, anew)
    code = command.wait(LONGEST)
    bench.seconds[*scenario, anew] = time.monotonic() - started
    if code != 0:
        note("dead", f"code {code}: {bench.said.read_text(errors='replace')[-1500:]}")
        if code is None:
            command.end(signal.SIGKILL, True)
            command.wait(LONGEST)
    look(command)
    if code == 0:
        compare(bench.study, wanted, name, note)
    if wrong:
        shutil.copytree(bench.study, bench.folder / "faults" / f"{time.time():.0f}", symlinks=True)
    return {
        "scenario": f"{name}, {workers} {backend}", "anew": anew, "kills": kills,
        **{kind: found[kind] for kind in COUNTS}, "wrong": wrong,
    }  # fmt: skip


def compare(study: Path, wanted: Path, name: str, note) -> None:
    """Tell what differs from the state that an undisturbed run left."""
    for what in leftovers(study):
        note("left", what)
    if name == "init":
        status = ["git", "status", "--porcelain"]
        if subprocess.run(status, cwd=study, capture_output=True, check=True).stdout:
            note("different", "git status")
        same = ["dvc.yaml", ".gitignore", ".dvcignore", ".dvc/config"]
        for file in same:
            if (study / file).read_bytes() != (wanted / file).read_bytes():
                note("different", file)
        return
    expected = contents(wanted)
    now = contents(study)
    for file in expected.keys() | now.keys():
        if expected.get(file) != now.get(file):
            note("different", file)
    if not (wanted / "mlflow.db").exists():
        return
    wanted_runs = [] if name == "first start" else runs(wanted)
    here = runs(study)
    for key in set(wanted_runs) - set(here):
        note("lost", f"run of {key}")
    for key, n in Counter(here).items():
        if n > 1:
            note("doubled", f"run of {key}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cotrain-kills"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="Commands of this name alone.")
    given = parser.parse_args()
    bench = Bench(given.folder.resolve())
    bench.prepare()
    # What commands import, imported once; nothing of it may have started a thread.
    import mlflow
    import optuna
    import torch

    import cotrain.stages.analyze
    import cotrain.stages.export
    import cotrain.stages.validate

    del mlflow, optuna, torch, cotrain
    log = bench.folder / "kills.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    while (n := sum(len(one["kills"]) for one in done)) < given.kills:
        at = len(done)
        rng = random.Random(f"{given.seed} {at}")
        choice = [one for one in scenarios() if given.only in (None, one[0])]
        started = time.monotonic()
        one = episode(bench, choice[at % len(choice)], rng, anew=rng.random() < 0.2)
        done.append(one | {"seconds": round(time.monotonic() - started, 1)})
        one = done[-1]
        with log.open("a") as file:
            file.write(json.dumps(one) + "\n")
        print(
            n + len(one["kills"]),
            one["scenario"],
            f"{one['seconds']:.0f} s",
            *one["wrong"][:3],
            flush=True,
        )
    totals = {kind: sum(one[kind] for one in done) for kind in COUNTS}
    ways = Counter(kind.split(" to")[0] for one in done for kind in one["kills"])
    print(
        f"{n} kills ({dict(ways)}) in {len(done)} episodes of {len({one['scenario'] for one in done})} kinds: {totals}"
    )
    sys.exit(any(totals.values()))


if __name__ == "__main__":
    main()
