from ._prepare import Prepared, prepare

__all__ = ["Prepared", "prepare"]
