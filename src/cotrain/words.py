"""How names and counts are written in sentences, whoever says them."""

from collections.abc import Sequence


def count(value: float, noun: str, plural: str | None = None) -> str:
    """A number of things: `1 task`, `1,200 tasks`."""
    whole = f"{int(value):,}"
    return f"{whole} {noun}" if whole == "1" else f"{whole} {plural or noun + 's'}"


def listing(items: Sequence[str], most: int | None = None) -> str:
    """Items as a sentence lists them, those beyond `most` as a number.

    Examples
    --------
    >>> listing(["a", "b", "c"])
    'a, b and c'
    >>> listing(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    """
    shown = list(items[:most])
    if len(shown) < len(items):
        shown.append(f"{len(items) - len(shown)} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def shorten(name: str, length: int) -> str:
    """A name on one line, its middle left out where it is longer than `length`."""
    line = " ".join(name.split())
    if len(line) <= length:
        return line
    head = (length - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (length - 1 - head) :]}"
