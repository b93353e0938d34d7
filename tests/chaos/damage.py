"""Flip bits of, and cut, every file that cotrain reads: each is read as it was, or told in one line.

    python tests/chaos/damage.py --every 1 --folder /tmp/cotrain-damage

Of what cotrain writes, nothing may be read differently (`different`). Files of the user's have no
checksum: there only an error that is not cotrain's own counts (`traceback`). Each file is a line of
`damage.jsonl`; the same call goes on from there.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
from damaged_files import FOREIGN, KINDS, assert_same, read_or_told
from small_models import molecule_table


def damages(data: bytes, every: int, seed: int):
    """A bit flipped in every so many bytes, and cuts as far apart."""
    rng = random.Random(seed)
    for place in range(rng.randrange(every), len(data), every):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        yield f"bit in byte {place}", bytes(changed)
    for end in range(0, len(data), 4 * every):
        yield f"cut to {end}", data[:end]


def sweep(name: str, every: int, most: int) -> dict:
    """All damages of one file."""
    with tempfile.TemporaryDirectory() as folder:
        path, read = (KINDS | FOREIGN)[name](Path(folder), molecule_table())
        expected, data = read(), path.read_bytes()
        every = max(every, len(data) // most)
        found: Counter = Counter()
        wrong, slowest = [], 0.0
        for what, changed in damages(data, every, len(data)):
            path.write_bytes(changed)
            started = time.monotonic()
            try:
                now = read_or_told(read)
                if isinstance(now, str):
                    found["told"] += 1
                    continue
                found["read"] += 1
                if name in KINDS:
                    assert_same(now, expected)
            except AssertionError:
                found["different"] += 1
                wrong.append(what)
            except Exception as error:
                found["traceback"] += 1
                wrong.append(f"{what}: {error!r:.300}")
            finally:
                slowest = max(slowest, time.monotonic() - started)
        return {"file": name, "bytes": len(data), "every": every, **found, "slowest": round(slowest, 1), "wrong": wrong}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="Bytes.")
    parser.add_argument("--most", type=int, default=10**9, help="Damages of one file, about.")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cotrain-damage"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    log = given.folder / "damage.jsonl"
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    np.seterr(all="ignore")
    for name in KINDS | FOREIGN:
        if name in {one["file"] for one in done}:
            continue
        done.append(sweep(name, given.every, given.most))
        with log.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(
            {key: value for key, value in done[-1].items() if key != "wrong"},
            *done[-1]["wrong"][:3],
            flush=True,
        )
    names = ("told", "read", "different", "traceback")
    totals = {name: sum(one.get(name, 0) for one in done) for name in names}
    print(f"{sum(totals.values())} damages of {len(done)} files: {totals}")
    sys.exit(bool(totals["different"] or totals["traceback"]))


if __name__ == "__main__":
    main()
