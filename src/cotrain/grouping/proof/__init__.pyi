from ._bounds import selfish_bound
from ._exact import exact_groups

__all__ = ["exact_groups", "selfish_bound"]
