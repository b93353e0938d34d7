from ._bounds import selfish_bound
from ._exact import exact_groups
from ._measured import MeasuredResult, select_measured

__all__ = ["MeasuredResult", "exact_groups", "select_measured", "selfish_bound"]
