"""One model of all people, the group a feature: `python pooled.py`, after `cotrain prepare`.

The study's features, and the folds and repeats of its validation; settings are scikit-learn's own.
"""

from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from cotrain.allocation import rotations
from cotrain.settings import load_settings
from cotrain.tasks import TaskTable

if __name__ == "__main__":
    settings = load_settings(Path("params.yaml"))
    plan, fresh = settings.plan, settings.validate_
    table = TaskTable.load(Path("data/tasks.npz"))
    truth, group = table.labels.data, table.labels.indices  # a person has one label
    people = np.hstack([table.sparse_features.toarray(), np.eye(table.n_tasks)[group]])
    sizes = (table.n_folds, plan.train_folds, plan.test_folds)
    for model in (LogisticRegression(max_iter=500), HistGradientBoostingClassifier(random_state=0)):
        scores = np.empty((fresh.repeats, 2, table.n_tasks))
        for repeat in rotations(*sizes, fresh.repeats, fresh.seed, plan.rotate):
            train, test = (
                np.isin(table.folds, part) for part in (repeat.folds.train, repeat.folds.test)
            )
            said = model.fit(people[train], truth[train]).predict_proba(people[test])[:, 1]
            for task in range(table.n_tasks):
                own = group[test] == task
                pair = truth[test][own], said[own]
                scores[repeat.repeat, :, task] = roc_auc_score(*pair), log_loss(*pair)
        auroc, loss = scores.mean(axis=0)
        print(
            f"{type(model).__name__}: AUROC {auroc.mean():.4f}, worst {auroc.min():.3f} "
            f"({table.tasks[auroc.argmin()]}); log loss {loss.mean():.4f}, worst {loss.max():.3f} "
            f"({table.tasks[loss.argmax()]})"
        )
