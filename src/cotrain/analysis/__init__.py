"""From observations to tables: what a study's fits tell of its tasks. Arrays and data frames."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
