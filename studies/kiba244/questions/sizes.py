"""How large the study is: what its files hold."""

import pandas as pd
from _fits import STUDY

from cotrain.training import load_fit_table
from questions._answer import Answer


def answer() -> Answer:
    summary = pd.read_csv(STUDY.prepared / "summary.csv").set_index("item")["count"]
    paths = sorted(STUDY.fits("any").parent.glob("*.parquet"))
    fits = {path.stem: load_fit_table(path) for path in paths}
    model = STUDY.settings.learner
    return Answer(
        {
            "n_targets": int(summary["tasks"]),
            "n_excluded": int(summary["tasks excluded"]),
            "n_examples": int(summary["examples"]),
            "n_labels": int(summary["labels"]),
            "hidden": model.hidden[0],
            "epochs": model.epochs,
            "n_fits": len({key for table in fits.values() for key in table["fit_id"].unique()}),
            "plans": {name: int(table["fit_id"].nunique()) for name, table in fits.items()},
        }
    )
