import pytest

from cotrain import words


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
    assert words.listing(items, most=3) == text


def test_a_listing_counts_what_it_leaves_out():
    assert words.listing(list("abcde"), most=2) == "a, b and 3 more"
    assert words.listing(list("abc"), most=1) == "a and 2 more"


def test_count():
    assert words.count(1, "task") == "1 task"
    assert words.count(1200, "row was", "rows were") == "1,200 rows were"
