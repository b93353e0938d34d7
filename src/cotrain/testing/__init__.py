"""Contract tests of what another package can add: subclass one in a test, and run pytest."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
