"""What a study claims where nothing can be learnt: `python permuted.py FOLDER TABLE [OPTIONS]`.

Makes a study of the table by `cotrain init` with OPTIONS, deals each task's labels anew among the
rows that have one, and runs it: whatever it then finds is made up. What it claimed is a row of
`FOLDER/permuted.csv`; `--studies N`, first, makes as many, with the seeds 0, 1, ... Stopped, it
goes on where it was.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from cotrain.files import write_text
from cotrain.sources._text import Format, read_table

CLAIMS = ("together", "relevance", "pairwise")


def permute(cells: pd.DataFrame, fetch: dict, seed: int) -> pd.DataFrame:
    """The table with the labels of each task, and what stands beside them, in another order."""
    rng = np.random.default_rng(seed)
    cells = cells.copy()
    if fetch["layout"] == "wide":
        beside = fetch.get("relations") or {}
        parts = [([task, *filter(None, [beside.get(task)])], None) for task in fetch["tasks"]]
    else:
        columns = [name for name in (fetch["value"], fetch.get("relation")) if name]
        names = fetch["task"]
        parts = [(columns, rows) for rows in cells.groupby(names, sort=True).groups.values()]
    for columns, rows in parts:
        own = cells.loc[rows if rows is not None else cells.index, columns]
        known = own.index[own[columns[0]].astype(str).str.strip() != ""]
        cells.loc[known, columns] = cells.loc[rng.permutation(known), columns].to_numpy()
    return cells


def run(folder: Path, table: Path, options: list[str], seed: int) -> dict:
    """Make and run one study; returns what it claimed."""
    yaml = YAML()
    if not (folder / "params.yaml").exists():
        _call("cotrain", "init", str(folder), "--csv", str(table), *options)
    if not (folder / "permuted.csv.gz").exists():
        params = yaml.load((folder / "params.yaml").read_text())
        cells = read_table(table, Format(**(params["fetch"].get("format") or {}))).cells
        permuted = permute(cells, params["fetch"], seed)
        params["fetch"] |= {"path": "permuted.csv.gz", "format": {"separator": ","}}
        with (folder / "params.yaml").open("w") as file:
            yaml.dump(params, file)
        permuted.to_csv(folder / "whole.csv.gz", index=False)
        (folder / "whole.csv.gz").rename(folder / "permuted.csv.gz")
    _call("dvc", "repro", "--quiet", cwd=folder)
    found = json.loads((folder / "reports" / "metrics.json").read_text())
    portfolios = pd.read_csv(folder / "data" / "validation" / "portfolios.csv")
    return {
        "table": table.name,
        "seed": seed,
        "tasks": found["n_tasks"],
        "recommended": portfolios.loc[portfolios["chosen"], "portfolio"].item(),
        "tasks with skill": found["skill_tasks"],
        **{f"{way} claims": found[f"{way}_helps"] + found[f"{way}_hurts"] for way in CLAIMS},
        "gain over base rate": found.get("test_gain_over_base_rate"),
    }


def _call(*command: str, cwd: Path | None = None) -> None:
    if subprocess.run(command, cwd=cwd).returncode:
        sys.exit(f"stopped: {' '.join(command)}")


def main(arguments: list[str]) -> None:
    n_studies = 1
    if arguments[:1] == ["--studies"]:
        n_studies, arguments = int(arguments[1]), arguments[2:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    out, table, options = Path(arguments[0]), Path(arguments[1]).resolve(), arguments[2:]
    out.mkdir(parents=True, exist_ok=True)
    for seed in range(n_studies):
        folder = out / f"{table.name.split('.')[0]}-{seed}"
        if not (folder / "claims.json").exists():
            write_text(folder / "claims.json", json.dumps(run(folder, table, options, seed)))
    rows = [json.loads(path.read_text()) for path in sorted(out.glob("*/claims.json"))]
    write_text(out / "permuted.csv", pd.DataFrame(rows).to_csv(index=False))
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1:])
