"""Labelling functions that vote: which to train on, and whether they are worth it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
