import numpy as np
import pytest

from cotrain.curves import TransferModel


@pytest.fixture(scope="module")
def model() -> TransferModel:
    """Three tasks: labels of the first help all, those of the last hurt the second."""
    rng = np.random.default_rng(0)
    N = rng.integers(0, 300, size=(150, 3)).astype(float)
    a = np.array([[0.004, 0.0005, 0.0], [0.003, 0.004, -0.001], [0.002, 0.0, 0.003]])
    Y = 0.9 - np.exp(-1.0 - N @ a.T) + rng.normal(0, 0.003, N.shape)
    return TransferModel(strengths=(0.5,), ranks=(0,), random_state=0).fit(N, Y)


def test_worth_finds_who_helps_all(model):
    gain, low, high = model.label_worth(np.full(3, 50.0), 20)
    assert np.argmax(gain) == 0
    assert (low < gain).all()
    assert (gain < high).all()


def test_other_targets_share_the_error_of_what_they_take(model):
    before, labels = np.full(3, 50.0), np.array([20.0, 0.0, 0.0])
    reach = model.gain_reach(before, before + labels)
    gain, _, high = model.label_worth(before, 20)
    half = high[0] - gain[0]
    np.testing.assert_allclose(half, np.hypot(reach[0], reach[1] + reach[2]) / 3)
    assert half > 1.01 * np.linalg.norm(reach) / 3  # as if their errors were their own
