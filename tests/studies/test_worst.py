"""What `studies/worst.py` makes of drawn people: scores of groups, held against scikit-learn's."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture(scope="module")
def worst():
    sys.path.insert(0, str(STUDIES))  # it takes lines of tables from rivals.py beside it
    spec = importlib.util.spec_from_file_location("worst", STUDIES / "worst.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(STUDIES))
    return module


@pytest.mark.parametrize("score", ["accuracy", "auroc", "log_loss"])
def test_a_person_drawn_twice_counts_twice(worst, score):
    rng = np.random.default_rng(0)
    n, n_tasks = 60, 3
    task, truth = np.arange(n) % n_tasks, rng.integers(0, 2, n).astype(float)
    logit = rng.normal(size=n).round(1)  # ties among them
    example = rng.permutation(2 * n)[:n]
    count = np.zeros((2, 2 * n), dtype=int)
    count[0] = 1
    count[1, example] = rng.multinomial(n, np.full(n, 1 / n))
    test = SimpleNamespace(task=task, example=example, truth=truth)
    found = worst.group_scores(test, logit, count, score, n_tasks)
    share = 1 / (1 + np.exp(-logit))
    for draw, weight in enumerate(count[:, example]):
        for at in range(n_tasks):
            own = task == at
            expected = {
                "accuracy": lambda y, p, w: accuracy_score(y, p > 0.5, sample_weight=w),
                "auroc": lambda y, p, w: roc_auc_score(y, p, sample_weight=w),
                "log_loss": lambda y, p, w: -log_loss(y, p, sample_weight=w),
            }[score](truth[own], share[own], weight[own])
            assert found[draw, at] == pytest.approx(expected)
