"""What `init`, `fetch` and `prepare` take for tables of 1,000 to 1,000,000 molecules.

    python benchmarks/sizes.py DATA --sizes 1000 10000 100000 --out /tmp/sizes

DATA is a folder with `chembl-time/chembl_time.csv.gz`, `cyp450/cyp450.csv.gz` and
`kiba/compounds.csv.gz`. Beyond their molecules, made ones are taken: one hydrogen on an aromatic
carbon of theirs becomes methyl, a halogen or another small group. Ten tasks, classes or (`--real`)
values, follow the number of rings, atoms and the like with noise; a cell in three is known. Told
are processor seconds of a command with its processes, and the most memory that one of them held.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem, RDLogger

_GROUPS = ("C", "F", "Cl", "Br", "OC", "C#N", "C(F)(F)F", "CC", "N", "O", "SC", "C(C)C")
_RATE, _TASKS, _SEED = 0.33, 10, 0


def molecules(data: Path, n: int) -> list[str]:
    """Distinct canonical SMILES: of the tables, then made of them, group by group."""
    known: dict[str, None] = {}
    tables = ("chembl-time/chembl_time", "cyp450/cyp450", "kiba/compounds")
    for name in tables:
        for text in pd.read_csv(data / f"{name}.csv.gz", usecols=["smiles"])["smiles"].dropna():
            if (molecule := Chem.MolFromSmiles(text)) is not None:
                known[Chem.MolToSmiles(molecule)] = None
    found = list(np.random.default_rng(_SEED).permutation(np.array([*known], dtype=object)))[:n]
    base, seen = list(found), set(found)
    for round_ in range(60):
        for text in base:
            if len(found) >= n:
                return found
            for made in _variants(text, round_):
                if made not in seen:
                    seen.add(made)
                    found.append(made)
    raise SystemExit(f"{len(found)} molecules are all that can be made")


def _variants(text: str, round_: int) -> Iterator[str]:
    """The molecule with a group in place of one of its aromatic hydrogens."""
    molecule = Chem.MolFromSmiles(text)
    aromatic = molecule.GetAromaticAtoms()
    places = [a.GetIdx() for a in aromatic if a.GetAtomicNum() == 6 and a.GetTotalNumHs()]
    group, place = round_ % len(_GROUPS), round_ // len(_GROUPS)
    if place >= len(places):
        return
    pair = Chem.RWMol(Chem.CombineMols(molecule, Chem.MolFromSmiles(_GROUPS[group])))
    pair.AddBond(places[place], molecule.GetNumAtoms(), Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(pair)
    except ValueError:
        return
    yield Chem.MolToSmiles(pair)


def table(smiles: list[str], real: bool) -> pd.DataFrame:
    """Ten tasks that follow what a SMILES holds."""
    rng = np.random.default_rng(_SEED)
    counts = np.array([[t.count(mark) for mark in "cNO1(F="] for t in smiles], dtype=float)
    counts = (counts - counts.mean(0)) / counts.std(0)
    columns = {"smiles": smiles}
    for task in range(_TASKS):
        value = counts @ rng.normal(size=counts.shape[1]) + rng.normal(size=len(smiles))
        text = np.char.mod("%.2f", value) if real else np.char.mod("%d", value > 0)
        columns[f"task_{task}"] = np.where(rng.random(len(smiles)) < _RATE, text, "")
    return pd.DataFrame(columns)


def measured(command: list[str]) -> dict[str, float]:
    """Processor seconds of a command and what it started, its peak, a clock's seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = int(done.stderr.strip().splitlines()[-1]) / 1e6
    clock = time.monotonic() - started
    return {"cpu_s": round(seconds, 1), "peak_gb": round(peak, 2), "clock_s": round(clock, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--real", action="store_true", help="Values; classes without.")
    parser.add_argument("--out", type=Path, default=Path("sizes"))
    given = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    given.out.mkdir(parents=True, exist_ok=True)
    for n in given.sizes:
        csv, study = (given.out / f"{n}{name}" for name in (".csv", f"-{time.time():.0f}"))
        if not csv.exists():
            table(molecules(given.data, n), given.real).to_csv(csv, index=False)
        cotrain = [sys.executable, "-m", "cotrain"]
        init = [*cotrain, "init", str(study), "--csv", str(csv)]
        commands = {"init": init} | {
            s: [*cotrain, "-C", str(study), s] for s in ("fetch", "prepare")
        }
        for name, command in commands.items():
            print(json.dumps({"molecules": n, "command": name, **measured(command)}), flush=True)


if __name__ == "__main__":
    main()
