"""Which tasks to train together: the value of a grouping, its search, and its proof."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
