"""Fuzz the readers of tables, settings and models with hypothesis for so many minutes.

    python tests/chaos/fuzz.py --minutes 30

What a reader says must be a result or cotrain's own error in one line; what csv.writer wrote must
be read as it was, and nothing may take longer than ten seconds. Hypothesis keeps what failed, and
tries that first.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fuzzing import TARGETS
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

_LONGEST, _ENOUGH = 10.0, 20


def _timed(check, name: str, done: Counter, slowest: list[float]):
    """A check that is counted, and fails if it takes long."""

    def timed(data) -> None:
        done[name] += 1
        begun = time.process_time()
        check(data)
        seconds = time.process_time() - begun
        slowest[0] = max(slowest[0], seconds)
        assert seconds < _LONGEST, seconds

    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cotrain-fuzz"))
    parser.add_argument("--seed", type=int, default=0)
    given_ = parser.parse_args()
    database = DirectoryBasedExampleDatabase(given_.folder)
    started, at, findings = time.monotonic(), given_.seed, 0
    done: Counter = Counter()
    slowest = [0.0]
    while time.monotonic() - started < given_.minutes * 60 and findings < _ENOUGH:
        for name, (strategy, check) in TARGETS.items():
            usual = settings(
                max_examples=200, deadline=None, database=database, print_blob=False,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            try:
                usual(seed(at)(given(strategy)(_timed(check, name, done, slowest))))()
            except Exception as error:
                findings += 1
                where = "".join(traceback.format_tb(error.__traceback__)[-4:])
                print(
                    f"{name}\n{where}{error!r:.500}", *getattr(error, "__notes__", ()), flush=True
                )
        at += 1
    spent = (time.monotonic() - started) / 60
    print(
        f"{spent:.0f} minutes, {findings} findings, {dict(done)} examples, slowest {slowest[0]:.1f} s"
    )
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
