"""The contract of surrogates, as tests.

With pytest, derive a class and say how yours is made::

    class TestMine(SurrogateContract):
        def make(self):
            return Mine()
"""

import numpy as np
from sklearn.base import RegressorMixin, clone

from cotrain.arrays import Array
from cotrain.surrogates import choose_surrogate

N_TASKS, N_SUBSETS = 6, 40


class SurrogateContract:
    """What any surrogate must do: a regressor of one target's scores on subsets of tasks.

    It is fitted to `X` (n_subsets, n_tasks), 1 where a subset holds a task, and the target's scores
    (n_subsets,), higher is better, and `sample_weight`. No subset
    is listed twice.
    """

    tolerance = 1e-6

    def make(self) -> RegressorMixin:
        """A new one, not fitted, for six tasks of 100 labels each."""
        raise NotImplementedError

    def scores(self, noise: float = 0.01, seed: int = 0) -> tuple[Array, Array]:
        """Subsets and scores of a target whom each task adds something of its own."""
        rng = np.random.default_rng(seed)
        every = np.arange(1, 2**N_TASKS)[:, None] >> np.arange(N_TASKS) & 1
        X = rng.permutation(every.astype(np.float64))[:N_SUBSETS]
        effects = np.array([0.05, 0.03, 0.01, 0.0, -0.02, -0.04])
        return X, 0.8 + X @ effects + rng.normal(0.0, noise, N_SUBSETS)

    def test_it_predicts_a_finite_score_for_each_subset(self) -> None:
        X, y = self.scores()
        model = self.make()
        assert model.fit(X, y) is model
        predicted = model.predict(X[:7])
        assert predicted.shape == (7,)
        assert np.isfinite(predicted).all()

    def test_it_says_how_sure_it_is_if_asked(self) -> None:
        X, y = self.scores()
        model = self.make().fit(X, y)
        predicted, std = model.predict(X, return_std=True)
        np.testing.assert_array_equal(predicted, model.predict(X))
        assert std.shape == y.shape
        assert (std >= 0).all()

    def test_fitting_changes_no_parameter_and_again_gives_the_same_bits(self) -> None:
        X, y = self.scores()
        model = self.make()
        before = str(model.get_params())
        first = model.fit(X, y).predict(X)
        assert str(model.get_params()) == before
        np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), first)
        np.testing.assert_array_equal(model.fit(*self.scores(seed=1)).fit(X, y).predict(X), first)

    def test_the_order_of_subsets_does_not_matter(self) -> None:
        X, y = self.scores()
        order = np.random.default_rng(0).permutation(len(y))
        turned = self.make().fit(X[order], y[order]).predict(X)
        self._same(turned, self.make().fit(X, y).predict(X))

    def test_it_knows_no_unit(self) -> None:
        """Scores of another unit and zero are predicted in them."""
        X, y = self.scores()
        predicted = self.make().fit(X, y).predict(X)
        self._same((self.make().fit(X, 1000 * y - 300).predict(X) + 300) / 1000, predicted)

    def test_scores_that_are_all_alike_are_predicted_so_or_refused(self) -> None:
        X, _ = self.scores()
        alike = np.full(len(X), 0.7)
        try:
            model = self.make().fit(X, alike)
        except ValueError:
            return
        self._same(model.predict(X), alike)

    def test_it_can_be_chosen_for_all_targets(self) -> None:
        X, _ = self.scores()
        effects = np.random.default_rng(0).normal(0.0, 0.03, (N_TASKS, N_TASKS))
        Y = np.where(X == 1, 0.8 + X @ effects, np.nan)
        choice = choose_surrogate(X, Y, {"mine": self.make()})
        assert np.isfinite(choice.error["mine"]).all()

    def _same(self, one: Array, other: Array) -> None:
        np.testing.assert_allclose(one, other, rtol=0.0, atol=self.tolerance)
