"""Which tasks help and hurt which: scores of subsets of tasks, modelled with their uncertainty."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
