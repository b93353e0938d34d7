"""Molar concentrations in one unit."""

import pandas as pd

# Factors to nM; written in lower case, µ and u alike.
_NANOMOLAR = {
    "m": 1e9, "mol/l": 1e9, "mm": 1e6, "um": 1e3, "µm": 1e3, "μm": 1e3, "nm": 1.0, "pm": 1e-3,
    "fm": 1e-6,
}  # fmt: skip


def factors(units: pd.Series, to: str) -> pd.Series:
    """Return what values in `units` are multiplied by to stand in `to`; NaN: cannot be converted.

    Examples
    --------
    >>> factors(pd.Series(["nM", "uM", "%"]), "nM").tolist()
    [1.0, 1000.0, nan]
    """
    target = _NANOMOLAR.get(to.lower())
    same = (units == to).map({True: 1.0, False: float("nan")})
    if target is None:
        return same
    return same.fillna(units.str.lower().map(_NANOMOLAR) / target)
