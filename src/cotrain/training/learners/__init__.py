"""Learners beside the network: forests, boosted trees, linear models, kernels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
