import numpy as np
import pytest

from cotrain.comparison import compare_groupings
from cotrain.reliability import holm, paired_interval


def test_wins_and_losses_are_those_put_in() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(12, 1, 4))
    gain = np.array([[0, 0, 0, 0], [-0.3, 0.3, 0, -0.3], [0, 0, 0, 0]])
    scores = base + gain + rng.normal(0, 0.02, size=(12, 3, 4))
    overall, tasks = compare_groupings(scores, ["best", "single", "twin"], list("abcd"))
    single = tasks[tasks["grouping"] == "single"]
    assert single["verdict"].tolist() == ["wins", "loses", "undecided", "wins"]
    assert overall["wins"].tolist() == [2, 0]
    assert overall["loses"].tolist() == [1, 0]
    row = overall.iloc[0]
    assert row["low"] < 0.075 < row["high"]
    assert row["difference"] == pytest.approx((scores[:, 0] - scores[:, 1]).mean())
    plain = paired_interval(scores[:, :1] - scores[:, 1:]).p_value
    assert tasks["p_value"].to_numpy() == pytest.approx(holm(plain).ravel())


def test_pairing_takes_out_what_repeats_share() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 10, size=(8, 1, 2))
    scores = shared + np.array([0.1, 0.0])[:, None] + rng.normal(0, 0.01, size=(8, 2, 2))
    overall, _ = compare_groupings(scores, ["a", "b"], ["x", "y"])
    assert overall.loc[0, "low"] > 0.05


def test_a_task_unknown_in_one_repeat_leaves_the_mean_whole() -> None:
    scores = np.zeros((3, 2, 2))
    scores[:, 0] = [[1, 100], [1, 100], [1, np.nan]]
    overall, _ = compare_groupings(scores, ["a", "b"], ["x", "y"])
    assert overall.loc[0, "difference"] == 1


def test_one_repeat_decides_nothing() -> None:
    overall, tasks = compare_groupings(np.array([[[1.0], [0.0]]]), ["a", "b"], ["x"])
    assert tasks["verdict"].tolist() == ["unknown"]
    assert np.isnan(overall.loc[0, "low"])


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [((3, 2, 2), ["a"], "must have shape"), ((3, 1, 2), ["a"], "at least two")],
)
def test_bad_input(shape: tuple, names: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_groupings(np.zeros(shape), names, ["x", "y"])
