"""All fits of the study in one small file: fits.parquet.

The exact tables are in data/fits (DVC). Here scores are rounded to four decimals, and test scores
of augmentations, which nothing reads, are left out.
"""

import pandas as pd
from _fits import STUDY

from cotrain.files import write_parquet
from cotrain.training import load_fit_table

KEPT = ("plan", "kind", "repeat", "seed", "evaluation_folds", "members", "level", "auxiliary",
        "task", "n_labels")  # fmt: skip
SCORES = ("log_loss", "auroc", "aupr")


def small(fits: pd.DataFrame) -> pd.DataFrame:
    """The columns that matter for binary tasks, as few bytes as they need."""
    scores = fits[[f"{part}_{score}" for part in ("val", "test") for score in SCORES]]
    scores = scores.astype("float64").round(4).astype("float32")
    scores.loc[fits["kind"] == "augmentation", [f"test_{score}" for score in SCORES]] = None
    kept = fits[list(KEPT)].astype({"n_labels": "int32", "level": "int8", "repeat": "int8"})
    return pd.concat([kept, scores], axis=1)


def main() -> None:
    paths = sorted(STUDY.fits("any").parent.glob("*.parquet"))
    table = pd.concat([small(load_fit_table(path)) for path in paths], ignore_index=True)
    write_parquet(STUDY.folder / "fits.parquet", table)


if __name__ == "__main__":
    main()
