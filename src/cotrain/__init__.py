"""Which tasks should be trained together, which hurt each other, and where more labels pay."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The estimators, imported when they are asked for: `import cotrain` stays light."""
    if name in ("GroupedClassifier", "GroupedRegressor"):
        from cotrain import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
