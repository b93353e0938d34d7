"""The only room that knows MLflow: fits out in bulk, the fit table back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
