"""How much of what company gains is regularisation: each target alone and all together, by decay.

`python regularisation.py`, after `prepare`; writes `results/regularisation.csv`. The fits are those
of one repeat, scored on every third target. A weight decay is 0, what `params.yaml` says, or three
times that; it is chosen by validation labels, for targets alone and for all together.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.allocation import all_together, single_tasks
from cotrain.scores import SCORES
from cotrain.stages._repeats import study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable
from cotrain.training import make_learner

HERE = Path(__file__).parent
SHOWN = ("auroc", "log_loss")
EVERY = 3


def measure() -> pd.DataFrame:
    """Mean scores over targets: one row a way of training and decay."""
    study = Study(HERE)
    table, settings = TaskTable.load(study.table), study.settings
    repeat = study_repeats(settings, 1, settings.validate_.seed)
    level = settings.plan.subset_level
    own = settings.learner.weight_decay
    shown, rows = range(0, table.n_tasks, EVERY), []
    alone = single_tasks(table.n_tasks, level, repeat)
    together = all_together(table.n_tasks, level, repeat)
    for decay in (0.0, own, 3 * own):
        learner = make_learner(settings.learner.model_copy(update={"weight_decay": decay}))
        for way, fits in (("alone", [alone[task] for task in shown]), ("together", together)):
            found = learner.evaluate(table, fits)
            row = {"way": way, "weight_decay": decay}
            for part in ("validation", "test"):
                scores = np.concatenate([getattr(one, part) for one in found])
                scores = scores if way == "alone" else scores[list(shown)]
                means = dict(zip(SCORES, np.nanmean(scores, axis=0), strict=True))
                row |= {f"{part}_{score}": means[score] for score in SHOWN}
            rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    measure().to_csv(HERE / "results" / "regularisation.csv", index=False, float_format="%.5f")
