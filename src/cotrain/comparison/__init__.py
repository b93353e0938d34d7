"""The recommended portfolio against its rivals: blends, costs, skill, who serves whom."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
