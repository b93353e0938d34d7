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
    """The kind that most tasks have, and what differs for the others.

    In a long table one column holds all values: they get one transform, if all have it.
    """
    tasks, kinds, values = layout.tasks, layout.kinds, layout.values
    is_real = [kind == "real" for kind in kinds.values()]
    if layout.is_long and all(is_real):
        together = pd.concat([values[name] for name in tasks])
        transform = _transform("nM" if layout.molar else "", together)
        if transform != "none":
            draft.notes.append(f"values {_range(together)}: labels are {transform} of them")
        return {"kind": "real", "transform": transform, "tasks": {}}
    n_real = sum(kind == "real" for kind in kinds.values())
    common = "real" if n_real > len(kinds) / 2 else "binary"
    own: dict[str, dict[str, Any]] = {}
    for name in tasks:
        differs: dict[str, Any] = {}
        if kinds[name] != common:
            differs["kind"] = kinds[name]
        pair = two_values(values[name])
        if kinds[name] == "binary" and pair and pair != (0, 1):
            middle = sum(pair) / 2
            differs |= {"kind": "threshold", "threshold": middle, "active": "at_least"}
            draft.notes.append(f"`{name}`: {pair[1]:g} is read as 1, and {pair[0]:g} as 0")
        transform = _transform(name, values[name]) if kinds[name] == "real" else "none"
        if transform != "none":
            differs["transform"] = transform
            draft.notes.append(
                f"`{name}`: {_range(values[name])}, so its labels are {transform} of the values"
            )
        if differs:
            own[name] = differs
    transforms = {own.get(n, {}).get("transform", "none") for n in tasks if kinds[n] == "real"}
    labels = {"kind": common, "transform": "none"}
    if common == "real" and len(transforms) == 1:
        labels["transform"] = transforms.pop()
        for name in list(own):
            own[name].pop("transform", None)
            if not own[name]:
                del own[name]
    if own and all(own.get(name) == own.get(tasks[0]) for name in tasks):
        labels, own = labels | own[tasks[0]], {}
    return labels | {"tasks": own}


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
    from scipy.stats import skew

    return float(skew(values.to_numpy()))


def _range(values: pd.Series) -> str:
    return f"{values.min():g} to {values.max():g}, skew {_skew(values):.1f}"


def n_rarest(layout: Layout) -> int:
    """Labels of the rarer class of a task that is rarer than three quarters of the tasks."""
    counts = [
        int(min((part > middle).sum(), (part <= middle).sum()))
        if layout.kinds[name] == "binary"
        else len(part) // 4
        for name, part in layout.values.items()
        for middle in ((part.min() + part.max()) / 2,)
    ]
    return int(np.quantile(counts, 0.25)) if counts else 0
