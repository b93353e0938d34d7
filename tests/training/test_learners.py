"""Every learner of ours against the public contract, and what only some of them do."""

from cotrain.testing import LearnerContract
from cotrain.training.learners import Boosting, Forest, Linear


class TestForest(LearnerContract):
    def learner(self):
        return Forest(Forest.Settings(n_trees=20))


class TestExtraTrees(LearnerContract):
    def learner(self):
        return Forest(Forest.Settings(n_trees=20, trees="extra", max_features=0.3))


class TestBoosting(LearnerContract):
    def learner(self):
        return Boosting(Boosting.Settings(n_trees=20))


class TestLinear(LearnerContract):
    def learner(self):
        return Linear(Linear.Settings())
