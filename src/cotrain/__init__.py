"""Which tasks should be trained together, which hurt each other, and where more labels pay."""

__version__ = "0.1.0"
