"""How values become labels: kinds, thresholds and logarithms."""

import re
from typing import Any

import numpy as np
import pandas as pd

from cotrain.init._columns import two_values, words_of
from cotrain.init._layouts import Layout
from cotrain.init._wishes import Draft

_POTENCY = frozenset({"ic50", "ec50", "ki", "kd", "ac50", "gi50", "nm", "um", "µm", "pm"})
# What is more the higher it is, though in a molar unit.
_AMOUNT = re.compile(r"k?sol(ub\w*)?|cmax|conc(entration)?s?|exposure|css|level")


def label_section(draft: Draft, layout: Layout) -> dict[str, Any]:
    """What holds for most tasks, and what differs for the others.

    In a long table one column holds all values: they get one transform, if all have it.
    """
    tasks, kinds, values = layout.tasks, layout.kinds, layout.values
    if layout.is_long and set(kinds.values()) == {"real"}:
        together = pd.concat([values[name] for name in tasks])
        transform = _transform("nM" if layout.molar else "", together)
        if transform != "none":
            draft.notes.append(f"values {_range(together)}: labels are {transform} of them")
        return {"kind": "real", "transform": transform, "tasks": {}}
    each = {name: _labels_of(draft, name, kinds[name], values[name]) for name in tasks}
    common = {"transform": "none"} | max(each.values(), key=list(each.values()).count)
    own = {
        name: {key: value for key, value in found.items() if common.get(key) != value}
        for name, found in each.items()
    }
    return common | {"tasks": {name: differs for name, differs in own.items() if differs}}


def _labels_of(draft: Draft, name: str, kind: str, values: pd.Series) -> dict[str, Any]:
    """How the values of one task become labels."""
    if kind == "binary":
        pair = two_values(values)
        if pair is None or pair == (0, 1):
            return {"kind": "binary"}
        draft.notes.append(f"`{name}`: {pair[1]:g} is read as 1, and {pair[0]:g} as 0")
        return {"kind": "threshold", "threshold": sum(pair) / 2, "active": "at_least"}
    transform = _transform(name, values)
    if transform != "none":
        draft.notes.append(
            f"`{name}`: {_range(values)}, so its labels are {transform} of the values"
        )
    return {"kind": "real", "transform": transform}


def _transform(name: str, values: pd.Series) -> str:
    """A logarithm, if it takes most of a column's skew away; of 1 + value where some are 0."""
    if len(values) < 8 or (values < 0).any():
        return "none"
    zeros = bool((values == 0).any())
    shifted = values + 1 if zeros else values
    if shifted.max() < 30 * shifted.min():
        return "none"
    plain, logged = abs(_skew(values)), abs(_skew(np.log10(shifted)))
    if plain < 1.5 or logged > plain / 2:
        return "none"
    if zeros:
        return "log10_plus_one"
    words = {*words_of(name), *re.split(r"[^a-z0-9µ]+", name.lower())}
    is_potency = words & _POTENCY and not any(map(_AMOUNT.fullmatch, words))
    return "neg_log10" if is_potency else "log10"


def _skew(values: pd.Series) -> float:
    return float(values.skew())  # type: ignore[arg-type]


def _range(values: pd.Series) -> str:
    return f"{values.min():g} to {values.max():g}, skew {_skew(values):.1f}"


def n_rarest(layout: Layout) -> int:
    """Labels of the rarer class of a task that is rarer than three quarters of the tasks."""
    counts = []
    for name, part in layout.values.items():
        n_high = int((part > (part.min() + part.max()) / 2).sum())
        rarer = min(n_high, len(part) - n_high)
        counts.append(rarer if layout.kinds[name] == "binary" else len(part) // 4)
    return int(np.quantile(counts, 0.25)) if counts else 0
