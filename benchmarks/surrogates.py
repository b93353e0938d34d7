"""Tables of docs/results/surrogates.md.

python benchmarks/surrogates.py accuracy adaptive synergy cost speed
python benchmarks/surrogates.py fits gradient priors --study .
"""

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pandas as pd

import surrogate_fits
import surrogate_gradients
import surrogate_priors
import surrogate_studies
from cotrain.study import Study
from cotrain.surrogates import DesignWarning

STUDIES = {
    "accuracy": surrogate_studies.accuracy,
    "adaptive": surrogate_studies.adaptive,
    "synergy": surrogate_studies.synergy,
    "cost": surrogate_studies.cost,
    "speed": surrogate_studies.speed,
}
TRAINED = {
    "fits": surrogate_fits.tables,
    "gradient": surrogate_gradients.tables,
    "priors": surrogate_priors.tables,
}


def markdown(table: pd.DataFrame) -> str:
    """The table with three digits at most, as Markdown."""
    text = table.map(lambda value: f"{value:.3g}" if isinstance(value, float) else str(value))
    head = "| " + " | ".join(text.columns) + " |"
    rows = ["| " + " | ".join(row) + " |" for row in text.to_numpy()]
    return "\n".join([head, "|" + " --- |" * len(text.columns), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", choices=[*STUDIES, *TRAINED])
    parser.add_argument("--study", type=Path, default=Path(), help="a study that has been trained")
    arguments = parser.parse_args()
    # Small simulated designs lack what the warnings name; the tables count it.
    warnings.simplefilter("ignore", DesignWarning)
    for name in arguments.tables:
        if name in STUDIES:
            tables = {name: STUDIES[name]()}
        else:
            tables = TRAINED[name](Study(arguments.study))
        for title, table in tables.items():
            print(f"## {title}\n\n{markdown(table)}\n", flush=True)


if __name__ == "__main__":
    main()
