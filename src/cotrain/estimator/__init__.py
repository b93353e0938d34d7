"""The steps of a study without its files, as estimators of scikit-learn."""

from cotrain.estimator._grouped import GroupedClassifier, GroupedRegressor

__all__ = ["GroupedClassifier", "GroupedRegressor"]
