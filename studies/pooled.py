"""One model of all people, the group a feature: `python pooled.py STUDY`, after `cotrain prepare`.

The study's features, and the folds and repeats of its validation; settings are scikit-learn's own.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from cotrain.stages._repeats import final_repeats, study_repeats
from cotrain.study import Study
from cotrain.tasks import TaskTable


def main(study: Study) -> None:
    settings = study.settings
    fresh = settings.validate_
    table = TaskTable.load(study.table)
    truth, group = table.labels.data, table.labels.indices  # a person has one label
    people = np.hstack([table.sparse_features.toarray(), np.eye(table.n_tasks)[group]])
    repeats, _ = final_repeats(settings, study_repeats(settings, fresh.repeats, fresh.seed))
    for model in (LogisticRegression(max_iter=500), HistGradientBoostingClassifier(random_state=0)):
        scores = np.empty((fresh.repeats, 3, table.n_tasks))
        for repeat in repeats:
            train, test = (
                np.isin(table.folds, part) for part in (repeat.folds.train, repeat.folds.test)
            )
            said = model.fit(people[train], truth[train]).predict_proba(people[test])[:, 1]
            for task in range(table.n_tasks):
                own = group[test] == task
                true, share = truth[test][own], said[own]
                scores[repeat.repeat, :, task] = (
                    accuracy_score(true, share > 0.5),
                    roc_auc_score(true, share),
                    -log_loss(true, share),
                )
        mean = scores.mean(axis=0)
        print(f"{type(model).__name__}:")
        for name, row in zip(("accuracy", "AUROC", "log loss"), mean, strict=True):
            worst = f"{abs(row.min()):.3f} ({table.tasks[row.argmin()]})"
            print(f"  {name} {abs(row.mean()):.4f}, worst {worst}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python pooled.py STUDY, of a study by groups that `cotrain prepare` made")
    main(Study(Path(sys.argv[1])))
