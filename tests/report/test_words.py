import math

import pandas as pd
import pytest

from cotrain.report import _words as words
from cotrain.report._page import Table


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
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "+0.012 (+0.002 to +0.022)"
    assert words.estimate(0.5, math.nan, math.nan) == "+0.500 (no interval)"
    assert words.estimate(math.nan, math.nan, math.nan) == "–"


def test_a_difference_that_rounds_to_nothing_has_no_sign():
    assert words.signed(-0.0004, 2) == "0.00"
    assert words.signed(0.0004, 2) == "0.00"


def test_no_gain_is_said_with_its_reason():
    assert words.gain_over(0.0, 0.0, 0.0, "same models") == "0 (the same models)"
    assert words.gain_over(0.0, 0.0, 0.0, "undecided") == "0 (equal in every repeat)"
    assert words.gain_over(0.02, -0.01, 0.05) == "+0.020 (−0.010 to +0.050)"


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("network/group", "network in groups"),
        ("network/single", "network alone"),
        ("network/together", "network all together"),
        ("forest", "forest"),
        ("in/out", "in/out"),
    ],
)
def test_parts_of_a_blend_are_told_in_words(role, text):
    assert words.role_name(role) == text


def test_whether_columns_are_numbers_is_looked_at_once():
    table = Table("", pd.DataFrame({"task": ["a", "b"], "R²": ["−0.5", ""]}))
    assert table.is_number == [False, True]
    # The template asks at every cell, and looking takes all rows.
    assert table.is_number is table.is_number
