"""The report: from the tables of a study to a page, its figures and its key figures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
