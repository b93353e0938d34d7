"""Features of examples: molecules, columns of a table, given arrays, text, images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
