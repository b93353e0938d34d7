"""Trained portfolios as a folder of plain files: written, read without pickle, used to predict."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
