import numpy as np

from cotrain.means import mean_known


def test_what_is_unknown_counts_for_nothing() -> None:
    values = [[1.0, np.nan, np.nan], [3.0, 2.0, np.nan]]
    np.testing.assert_array_equal(mean_known(values), [2.0, 2.0, np.nan])
    np.testing.assert_array_equal(mean_known(values, axis=1), [1.0, 2.5])
    assert np.isnan(mean_known([]))
