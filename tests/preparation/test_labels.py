"""Bounds, kinds by task, transforms and repeats: each label as the rule says."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cotrain.preparation._values import label_values
from cotrain.settings import LabelSettings


def settings(**changes) -> LabelSettings:
    values = {"kind": "real", "threshold": 10.0, "active": "at_most", "transform": "none"}
    return LabelSettings(**values | changes)


def labels(rows, **changes):
    """Labels by (example, task), of rows (example, value, relation) of the task t."""
    table = pd.DataFrame(rows, columns=["example", "value", "relation"]).assign(task="t")
    found = label_values(table, settings(**changes))
    return dict(zip(found.labels["example"], found.labels["label"], strict=True)), found


@pytest.mark.parametrize(
    ("value", "relation", "at_most", "at_least"),
    [
        (5, "", 1, 0), (10, "", 1, 1), (20, "", 0, 1),
        (5, "<", 1, 0), (10, "<", 1, 0), (20, "<", None, None),
        (5, ">", None, None), (10, ">", 0, 1), (20, ">", 0, 1),
    ],
)  # fmt: skip
def test_a_bound_decides_where_it_can(value, relation, at_most, at_least):
    for active, expected in (("at_most", at_most), ("at_least", at_least)):
        got, found = labels([("x", value, relation)], kind="threshold", active=active)
        assert got.get("x") == expected
        assert found.tasks["n_bounds"][0] == (relation != "")
        assert found.tasks["n_undecided"][0] == (expected is None)


def test_what_was_measured_goes_before_bounds():
    rows = [("x", 5.0, ""), ("x", 100.0, ">"), ("x", 200.0, ">")]
    got, found = labels(rows, kind="threshold")
    assert got == {"x": 1}
    assert found.conflicts[["n_values", "lowest", "highest"]].to_numpy().tolist() == [[3, 5, 200]]
    got, found = labels(rows)
    assert got == {"x": 5}
    assert found.bounds.empty


def test_real_bounds_are_kept_apart_the_tightest_of_each_side():
    rows = [
        ("x", 5, ">"),
        ("x", 7, ">"),
        ("x", 30, "<"),
        ("y", 1, ""),
        ("z", 2, "<"),
        ("z", 3, "<"),
    ]
    got, found = labels(rows)
    assert got == {"y": 1}
    kept = {(row.example, row.side): row.label for row in found.bounds.itertuples()}
    assert kept == {("x", ">"): 7, ("x", "<"): 30, ("z", "<"): 2}


def test_a_negative_logarithm_turns_bounds_round():
    got, found = labels([("x", 1000, ">"), ("y", 10, "")], transform="neg_log10")
    assert got == {"y": -1}
    assert found.bounds[["side", "label"]].to_numpy().tolist() == [["<", -3]]


def test_a_logarithm_for_columns_with_zeros():
    got, found = labels([("x", 0, ""), ("y", 99, ""), ("z", 9, ">")], transform="log10_plus_one")
    assert got == {"x": 0, "y": 2}
    assert found.bounds[["side", "label"]].to_numpy().tolist() == [[">", 1]]


@pytest.mark.parametrize(
    ("repeats", "at_most", "at_least"),
    [("median", 4, 4), ("mean", 5, 5), ("first", 9, 9), ("most_severe", 2, 9)],
)
def test_repeats_by_a_named_rule(repeats, at_most, at_least):
    rows = [("x", value, "") for value in (9.0, 2.0, 4.0, 5.0 if repeats == "mean" else 4.0)]
    for active, expected in (("at_most", at_most), ("at_least", at_least)):
        assert labels(rows, repeats=repeats, active=active)[0] == {"x": expected}


def test_the_spread_of_repeats_is_the_noise_of_the_label():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=2000)
    rows = [(f"e{at}", value + 0.5 * rng.normal(), "") for at, value in enumerate(truth)]
    rows += [(f"e{at}", value + 0.5 * rng.normal(), "") for at, value in enumerate(truth)]
    account = labels(rows)[1].tasks.iloc[0]
    # Within: 0.25; labels are means of two: 1 + 0.125.
    assert account["noise"] == pytest.approx(0.25 / 1.125, rel=0.1)
    assert account["n_repeated"] == 2000


def test_kinds_and_transforms_by_task():
    table = pd.DataFrame(
        [
            ("x", 1.0, "", "hit"),
            ("x", 100.0, "", "ki"),
            ("x", 3.0, "", "logd"),
            ("x", 99, ">", "c"),
        ],
        columns=["example", "value", "relation", "task"],
    )
    own = {"hit": {"kind": "binary"}, "ki": {"transform": "log10"}, "c": {"kind": "threshold"}}
    found = label_values(table, settings(tasks=own))
    got = dict(zip(found.labels["task"], found.labels["label"], strict=True))
    assert got == {"hit": 1, "ki": 2, "logd": 3, "c": 0}
    assert found.tasks["kind"].tolist() == ["binary", "real", "real", "binary"]


def test_a_class_among_logarithms_is_not_transformed():
    found = settings(transform="log10", tasks={"hit": {"kind": "binary"}})
    assert (found.of("hit").transform, found.of("other").transform) == ("none", "log10")
    with pytest.raises(ValidationError, match="transform must be none"):
        settings(tasks={"hit": {"kind": "binary", "transform": "log10"}})
