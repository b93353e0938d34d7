"""What `make_synthetic` calls help and harm must be so for a small shared trunk."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn.functional import binary_cross_entropy_with_logits

from cotrain.sources import Synthetic, make_synthetic


def made_arrays(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (N, D), labels with NaN for gaps (N, K), clusters (K,), -1 for the harmful task."""
    made = make_synthetic(
        Synthetic.Settings(
            kind="synthetic",
            n_examples=1500, n_tasks=9, n_clusters=3, n_features=64, label_rate=0.3,
            noise=0.5, harmful_tasks=1, seed=seed,
        )
    )  # fmt: skip
    wide = made.values.pivot_table(index="record", columns="task", values="value")
    labels = (wide <= 100).astype(float).where(wide.notna()).to_numpy()
    return made.features.toarray(), labels, made.truth["cluster"].fillna(-1).to_numpy(dtype=int)


def auroc(X: np.ndarray, Y: np.ndarray, tasks: list[int], seed: int) -> float:
    """AUROC of the first of `tasks`, trained together on the first 600 rows with 8 hidden units."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], 8), torch.nn.ReLU(), torch.nn.Linear(8, len(tasks))
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=0.003)
    x, y = torch.tensor(X[:600]), torch.tensor(Y[:600][:, tasks], dtype=torch.float32)
    known = ~y.isnan()
    for _ in range(10):
        for rows in torch.randperm(600).split(20):
            losses = binary_cross_entropy_with_logits(
                net(x[rows])[known[rows]], y[rows][known[rows]]
            )
            optimiser.zero_grad()
            losses.backward()
            optimiser.step()
    truth = Y[600:, tasks[0]]
    with torch.no_grad():
        score = net(torch.tensor(X[600:]))[:, 0].numpy()
    return float(roc_auc_score(truth[~np.isnan(truth)], score[~np.isnan(truth)]))


@pytest.mark.slow
def test_clusters_help_and_harmful_tasks_hurt_a_small_trunk():
    gains, losses = [], []
    for seed in range(6):
        X, Y, cluster = made_arrays(seed)
        members = np.flatnonzero(cluster == 0).tolist()
        harmful = np.flatnonzero(cluster == -1).tolist()
        together = auroc(X, Y, members, seed)
        gains.append(together - auroc(X, Y, members[:1], seed))
        losses.append(together - auroc(X, Y, members + harmful, seed))
    for differences in (gains, losses):
        mean, error = np.mean(differences), np.std(differences, ddof=1) / np.sqrt(6)
        assert mean > max(0.01, 2 * error), (gains, losses)
