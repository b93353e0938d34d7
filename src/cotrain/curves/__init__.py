"""Multi-task learning curves: what one label of a task is worth to itself and to the others."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
