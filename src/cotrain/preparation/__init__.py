"""From measurements to the task table, with an account of everything left out."""

from cotrain.preparation._prepare import Prepared, prepare

__all__ = ["Prepared", "prepare"]
