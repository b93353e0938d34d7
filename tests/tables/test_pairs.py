import numpy as np

from cotrain.tables import pair_frame, pair_matrix


def test_a_frame_of_pairs_is_its_matrix_again():
    matrix = np.arange(9.0).reshape(3, 3)
    frame = pair_frame(["a", "NA", "c"], {"effect": matrix}, "auxiliary")
    assert frame.loc[0].tolist() == ["a", "NA", 1.0]
    np.fill_diagonal(matrix, np.nan)
    again = pair_matrix(frame.rename(columns={"auxiliary": "source"}), ["a", "NA", "c"], "effect")
    np.testing.assert_array_equal(again, matrix)
