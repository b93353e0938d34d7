"""Which labels of which task in which fold a model is trained on, and what makes a fit that fit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
