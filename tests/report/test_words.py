import math

import pytest

from cotrain.report import _words as words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8385, "0.839"),
        (-0.012345, "−0.0123"),
        (1234.5, "1,234"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (-3e-17, "0.000"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
    ],
)
def test_number(value, text):
    assert words.number(value) == text


def test_estimate_has_the_decimals_that_its_interval_is_worth():
    text = words.estimate(0.0123456, 0.0023456, 0.0223456)
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "+0.012 (95 % interval +0.002 to +0.022)"
    assert words.estimate(0.5, math.nan, math.nan) == "+0.500 (no interval)"


def test_a_difference_that_rounds_to_nothing_has_no_sign():
    assert words.signed(-0.0004, 2) == "0.00"
    assert words.signed(0.0004, 2) == "0.00"


def test_shorten_keeps_both_ends():
    short = words.shorten("the first line\nand then the very last", 15)
    assert len(short) == 15
    assert short.startswith("the first")
    assert short.endswith("last")


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")],
)
def test_listing(items, text):
    assert words.listing(items) == text


def test_count():
    assert words.count(1, "task") == "1 task"
    assert words.count(1200, "row was", "rows were") == "1,200 rows were"
