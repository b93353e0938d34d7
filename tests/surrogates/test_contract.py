"""Every surrogate of this package, and a stranger's, held against the public contract."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import BayesianRidge

from cotrain.testing import SurrogateContract
from lab.rivals import default_surrogates


@pytest.mark.parametrize("name", default_surrogates(np.full(6, 100)))
class TestOurs(SurrogateContract):
    @pytest.fixture(autouse=True)
    def _named(self, name):
        self.name = name

    def make(self):
        return default_surrogates(np.full(6, 100))[self.name]


class TestAStranger(SurrogateContract):
    """One of scikit-learn's serves as it is."""

    tolerance = 1e-3

    def make(self):
        return BayesianRidge()


class Forgetful(RegressorMixin, BaseEstimator):
    """Predicts the first score that it saw."""

    def fit(self, X, y, sample_weight=None):
        self.first_ = y[0]
        return self

    def predict(self, X, return_std=False):
        found = np.full(len(X), self.first_)
        return (found, np.zeros(len(X))) if return_std else found


def test_the_contract_finds_what_depends_on_the_order():
    class Broken(SurrogateContract):
        def make(self):
            return Forgetful()

    with pytest.raises(AssertionError):
        Broken().test_the_order_of_subsets_does_not_matter()
