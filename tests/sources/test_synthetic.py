import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from cotrain.sources import Synthetic, make_synthetic


def source(**changes) -> Synthetic.Settings:
    values = {"n_examples": 600, "n_tasks": 7, "n_clusters": 2, "n_features": 32, "seed": 0}
    values |= {"label_rate": 0.5, "noise": 0.3, "harmful_tasks": 1}
    return Synthetic.Settings(kind="synthetic", **values | changes)


def labels(made) -> pd.DataFrame:
    """1 where the value is at most 100 nM, by (example, task)."""
    wide = made.values.pivot_table(index="record", columns="task", values="value")
    return (wide <= 100).where(wide.notna())


def test_same_seed_same_data():
    one, two = make_synthetic(source()), make_synthetic(source())
    pd.testing.assert_frame_equal(one.values, two.values)
    assert (one.features != two.features).nnz == 0
    assert not make_synthetic(source(seed=1)).values.equals(one.values)


def test_truth_names_clusters_and_harmful_tasks():
    made = make_synthetic(source(n_tasks=5, harmful_tasks=2))
    assert made.truth["task"].tolist() == list(made.tasks)
    assert made.truth["cluster"].tolist() == [0, 1, 0, pd.NA, pd.NA]
    assert made.truth["harmful"].tolist() == [False] * 3 + [True] * 2


def test_label_rate():
    made = make_synthetic(source(n_examples=4000, label_rate=0.25))
    counts = made.values["task"].value_counts()[list(made.tasks)].to_numpy()
    np.testing.assert_allclose(counts[:-1], 1000, atol=120)
    assert counts[-1] == 4000


def test_tasks_of_a_cluster_agree_and_others_do_not():
    made = make_synthetic(source(n_examples=4000, n_tasks=4, harmful_tasks=0, label_rate=1.0))
    agreement = labels(made).astype(float).corr().to_numpy()
    same = np.array(made.truth["cluster"])[:, None] == np.array(made.truth["cluster"])
    assert agreement[same].min() > 0.6
    assert np.abs(agreement[~same]).max() < 0.45


def test_features_predict_the_labels_and_noise_spoils_them():
    def accuracy(noise: float) -> float:
        made = make_synthetic(source(n_examples=2000, label_rate=1.0, noise=noise))
        y, X = labels(made)[made.tasks[0]].astype(int), made.features.toarray()
        return LogisticRegression(max_iter=500).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])

    assert accuracy(0.0) > 0.93
    assert 0.55 < accuracy(2.0) < 0.75
