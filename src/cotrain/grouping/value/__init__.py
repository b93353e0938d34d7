"""What a grouping is worth: values of groups, rules, the objective of every search."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
