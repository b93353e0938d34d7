"""How numbers and scores are written in sentences, tables and figures."""

import math

from cotrain.scores import SCORES
from cotrain.words import count

UNKNOWN = "–"

# What is called more than this many repeats is out of reach; the figure would say no more.
_MANY_REPEATS = 10_000
_WAYS = {"single": "alone", "group": "in groups", "together": "all together"}
# Below this a difference is one of the order of sums.
ROUNDING = 1e-6


def score_name(score: str) -> str:
    return SCORES[score].label if score in SCORES else score.replace("_", " ")


def role_name(role: str) -> str:
    """Return how a part of a blend is told: `network/group` is `network in groups`."""
    learner, _, way = role.rpartition("/")
    return f"{learner} {_WAYS[way]}" if way in _WAYS else role


def number(value: float, decimals: int | None = None) -> str:
    """Return `value` with three significant digits, or with `decimals`; an en dash if unknown."""
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{_decimals(value) if decimals is None else decimals}f}"
    # A zero has no sign.
    return text.replace("-", "" if text.strip("-0.,") == "" else "−")


def signed(value: float, decimals: int | None = None) -> str:
    text = number(value, decimals)
    is_positive = value > 0 and text.strip("0.,") != ""
    return f"+{text}" if is_positive else text


def estimate(value: float, low: float, high: float) -> str:
    """Return a signed value with its 95 % interval, as many decimals as the interval is worth."""
    if math.isnan(value):
        return UNKNOWN
    half = (high - low) / 2
    decimals = _decimals(half, digits=2) if math.isfinite(half) and half > 0 else _decimals(value)
    text = signed(value, decimals)
    if math.isnan(half):
        return f"{text} (no interval)"
    return f"{text} ({signed(low, decimals)} to {signed(high, decimals)})"


def gain_over(difference: float, low: float, high: float, verdict: str = "") -> str:
    """Return a gain over a rival as `estimate` does; of none it says why, by the verdict."""
    if max(abs(difference), abs(low), abs(high)) < ROUNDING:
        return f"0 (the {verdict})" if verdict == "same models" else "0 (equal in every repeat)"
    return estimate(difference, low, high)


def percent(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:.1f} %"


def p_value(value: float) -> str:
    """Return a p-value, bounded below."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def repeats(needed: float) -> str:
    if needed > _MANY_REPEATS:
        return f"more than {_MANY_REPEATS:,} repeats"
    return f"about {count(math.ceil(needed), 'repeat')}"


def _decimals(value: float, digits: int = 3) -> int:
    # What nine decimals do not show is 0, give or take the rounding of a mean.
    if not math.isfinite(value) or abs(value) < 1e-9:
        return digits
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 9)
