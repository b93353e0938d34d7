"""Searches for a good grouping: Optuna's, local moves, and the obvious ones to compare with."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
