"""The gradient view: how a gradient step on one task changes the loss of another."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
