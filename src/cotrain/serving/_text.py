"""A user's words in Markdown, and in one line."""

import re

# What Markdown or HTML would read as more than letters.
_MARKS = re.compile(r"([\\`*_\[\]|#~])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def one_line(text: str) -> str:
    r"""Text without line breaks and control characters.

    >>> one_line("a\n  b\x1b[2J")
    'a b [2J'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())


def markdown(text: str) -> str:
    r"""Text as it is in Markdown, within a line or a cell of a table.

    >>> print(markdown("<b>|*"))
    &lt;b&gt;\|\*
    """
    escaped = "".join(_HTML.get(letter, letter) for letter in one_line(text))
    return _MARKS.sub(r"\\\1", escaped)
