"""How numbers, scores and names are written in sentences, tables and figures."""

import math

from cotrain.scores import SCORES

UNKNOWN = "–"

# What is called more than this many repeats is out of reach; the figure would say no more.
_MANY_REPEATS = 10_000


def score_name(score: str) -> str:
    return SCORES[score].label if score in SCORES else score.replace("_", " ")


def number(value: float, decimals: int | None = None) -> str:
    """Return `value` with three significant digits, or with `decimals`; an en dash if unknown."""
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{_decimals(value) if decimals is None else decimals}f}"
    return _minus(text)


def signed(value: float, decimals: int | None = None) -> str:
    text = number(value, decimals)
    is_positive = value > 0 and text.strip("0.,") != ""
    return f"+{text}" if is_positive else text


def estimate(value: float, low: float, high: float) -> str:
    """Return a signed value with its 95 % interval, as many decimals as the interval is worth."""
    return short_estimate(value, low, high, "95 % interval ")


def short_estimate(value: float, low: float, high: float, label: str = "") -> str:
    """Return `estimate` where the text around it says what the interval is."""
    decimals = interval_decimals(value, low, high)
    if math.isnan(low) or math.isnan(high):
        return f"{signed(value, decimals)} (no interval)"
    return f"{signed(value, decimals)} ({label}{interval(low, high, decimals)})"


def interval(low: float, high: float, decimals: int) -> str:
    return f"{signed(low, decimals)} to {signed(high, decimals)}"


def interval_decimals(value: float, low: float, high: float) -> int:
    """Return the decimals that show an interval's half width with two digits."""
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return _decimals(value)
    return _decimals(half, digits=2)


def count(value: float, noun: str, plural: str | None = None) -> str:
    whole = f"{int(value):,}"
    return f"{whole} {noun}" if whole == "1" else f"{whole} {plural or noun + 's'}"


def percent(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:.1f} %"


def shorten(name: str, length: int) -> str:
    """Return `name` on one line, its middle left out where it is longer than `length`."""
    line = " ".join(name.split())
    if len(line) <= length:
        return line
    head = (length - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (length - 1 - head) :]}"


def listing(items: list[str]) -> str:
    """Return items as a sentence lists them: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _decimals(value: float, digits: int = 3) -> int:
    # What nine decimals do not show is 0, give or take the rounding of a mean.
    if not math.isfinite(value) or abs(value) < 1e-9:
        return digits
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 9)


def _minus(text: str) -> str:
    # A zero has no sign.
    return text.replace("-", "" if text.strip("-0.,") == "" else "−")


def repeats(needed: float) -> str:
    if needed > _MANY_REPEATS:
        return f"more than {_MANY_REPEATS:,} repeats"
    return f"about {count(math.ceil(needed), 'repeat')}"
