"""scikit-learn's own checks of estimators."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from cotrain import GroupedClassifier, GroupedRegressor

CHECKED = (
    GroupedClassifier(LogisticRegression(), n_subsets=1, random_state=0),
    GroupedRegressor(Ridge(), n_subsets=1, random_state=0),
)


def expected_failures(_estimator: object) -> dict[str, str]:
    """Checks that cannot pass, with the reason."""
    return {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(list(CHECKED), expected_failed_checks=expected_failures)
def test_what_scikit_learn_expects(estimator, check):
    check(estimator)
