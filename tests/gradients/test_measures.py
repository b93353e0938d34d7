import numpy as np

from cotrain.gradients._recorder import cosines, transference


def test_transference_is_the_share_of_the_loss_that_goes() -> None:
    before = np.array([2.0, np.nan, 0.0, -1.0, 4.0])
    after = np.array([[1.0, 1.0, 0.0, -2.0, np.inf], [3.0, 1.0, 1.0, 1.0, 4.0]])
    n = np.nan
    np.testing.assert_array_equal(
        transference(before, after), [[0.5, n, n, n, n], [-0.5, n, n, n, 0.0]]
    )


def test_cosine_with_a_vector_of_length_zero_is_missing() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [-6.0, -8.0]])
    n = np.nan
    np.testing.assert_allclose(cosines(vectors @ vectors.T), [[1, n, -1], [n, n, n], [-1, n, 1]])
