"""How good a grouping is proven to be: bounds, optima, choices among measured networks."""

from cotrain.grouping.proof._bounds import selfish_bound
from cotrain.grouping.proof._exact import exact_groups
from cotrain.grouping.proof._measured import MeasuredResult, select_measured

__all__ = ["MeasuredResult", "exact_groups", "select_measured", "selfish_bound"]
