"""Classifiers and regressors that find out which tasks to train together."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from scipy.sparse import csr_array, issparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cotrain.allocation import WAYS
from cotrain.analysis import withhold
from cotrain.comparison import Model, mixed, role_means
from cotrain.estimator._joint import Joint
from cotrain.estimator._steps import FDR, N_FOLDS, Steps
from cotrain.registry import LEARNERS
from cotrain.settings import TrainSettings
from cotrain.splits import group_folds
from cotrain.tables import pair_matrix
from cotrain.tasks import TaskKind, TaskTable
from cotrain.training import Learner, Learners, Problem, Trained, make_learner

NETWORK = {
    "kind": "network", "hidden": [64], "dropout": 0.2, "epochs": 20, "batch_fraction": 0.05,
    "learning_rate": 0.003, "decay_epochs": [15], "head_bias": "base_rate",
}  # fmt: skip
RIVALS = {
    "linear": {"kind": "linear"},
    "forest": {"kind": "forest"},
    "kernel": {"kind": "kernel", "share": 0.0},
}
AFFORDABLE = 60.0  # seconds of a core that one fit of a rival to all labels may take


class _Grouped(MultiOutputMixin, BaseEstimator):
    """Trains tasks alone, together and in subsets; groups and blends what validation labels show.

    Parameters
    ----------
    estimator : estimator, str or dict, optional
        What tasks are trained with. Of scikit-learn: one model of the rows of all tasks of a group,
        with a column for each task. A kind of ours that trains tasks jointly ("network", "kernel"),
        or a dict of its settings with `kind`. Default: a network of 64 hidden units. Kinds of ours
        are blended with their rivals, which train each task alone: a linear model, a forest and a
        kernel, without those whose fit to all labels takes over a minute, as cost models have it.
    max_groups : int
    budget : float, optional
        Seconds of one core for the models of subsets, *as the cost model has them*: it sets
        `n_subsets_` and nothing else, so that a slow machine takes longer and finds the same.
    n_subsets : int, optional
        Subsets of tasks that are trained; default four a task. Not together with `budget`.
    random_state : int, RandomState or None
        The same int gives the same bits, whatever `n_jobs`.
    n_jobs : int, optional
        Threads.

    Attributes
    ----------
    groups_ : list of list
        The groups of tasks that share a model of what is recommended; a task alone is no group.
    relevance_ : DataFrame, (T, T)
        Effect of training a source (column) on a target (row), higher is better, in log loss or
        D²; NaN on the diagonal and for tasks that were not studied.
    verdicts_ : DataFrame
        One row a (target, source): relevance, its standard error and verdict.
    report_ : DataFrame
        A row a task: n_labels; the score (log loss of classes, D² of values) on test labels that
        chose nothing, of the base rate, the rivals, single-task, all together and recommended;
        skilled: whether anything beats the base rate on validation labels; reason, if not studied.
    portfolio_ : str
        What is recommended, such as "ensemble and grouping".
    n_subsets_, n_features_in_, feature_names_in_
    """

    _kind: ClassVar[TaskKind]

    def __init__(
        self,
        estimator: Any = None,
        *,
        max_groups: int = 5,
        budget: float | None = None,
        n_subsets: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.max_groups = max_groups
        self.budget = budget
        self.n_subsets = n_subsets
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        """Sparse X, several outputs, gaps in Y."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def _fit(self, matrix: Any, labels: np.ndarray, names: list[Any]) -> Self:
        """Fit to float labels (n, T), NaN where unknown."""
        self._check_parameters()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._scaler = None
        if self.estimator is None or isinstance(self.estimator, str | dict):
            self._scaler = StandardScaler(with_mean=not issparse(matrix)).fit(matrix)
        self.n_subsets_, self.groups_, self.portfolio_ = 0, [], "base rate"
        table = _table(self._features(matrix), labels, self._kind, seed)
        n_tasks = table.n_tasks
        self._constant = np.array([_base_rate(column, self._kind) for column in labels.T])
        workers = TrainSettings(workers=effective_n_jobs(self.n_jobs), backend="threading")
        steps = Steps(table, self._learners(table), "joint", seed, workers)
        studied = np.flatnonzero(steps.can_be_studied())
        self._studied, self._portfolio = studied, None
        self._models: tuple[Trained, ...] = ()
        shown = ["base rate", *steps.others, "single-task", "all together", "recommended"]
        report = pd.DataFrame(np.nan, index=pd.Index(names, name="task"), columns=shown)
        report.insert(0, "n_labels", (~np.isnan(labels)).sum(axis=0))
        report["skilled"] = False
        report["reason"] = "too few labels, or all alike"
        effects = np.full((n_tasks, n_tasks), np.nan)
        self.verdicts_ = pd.DataFrame()
        if studied.size:
            own = [names[at] for at in studied]
            part = _table(table.features, labels[:, studied], self._kind, seed)
            steps = Steps(part, steps.learners, "joint", seed, workers)
            self.n_subsets_ = self.n_subsets or 4 * studied.size
            if self.budget is not None:
                self.n_subsets_ = steps.n_subsets(self.budget)
            best, pairs = steps.search(self.n_subsets_, self.max_groups)
            found = steps.compare(best)
            skilled = found.choice.skilled(FDR)
            self._portfolio, self._weights = found.recommended, found.weights
            self.portfolio_ = found.recommended.name
            self._models = steps.final_models(found.recommended)
            self._problem = Problem.of_all(part)
            groups = dict.fromkeys(
                one.members
                for one in found.recommended.models
                if one.learner == "joint" and len(one.members) > 1
            )
            self.groups_ = [[own[task] for task in group] for group in groups]
            have = {name for name, has in zip(part.tasks, skilled, strict=True) if has}
            pairs = withhold(pairs, None, have, FDR)
            named = dict(zip(part.tasks, own, strict=True))
            if len(pairs):
                effects[np.ix_(studied, studied)] = pair_matrix(pairs, part.tasks, "relevance")
            self.verdicts_ = pairs.assign(
                target=pairs["target"].map(named), source=pairs["source"].map(named)
            )
            report.loc[own, shown] = steps.mean_scores(found)[shown].to_numpy()
            report.loc[own, "skilled"] = skilled
            report.loc[own, "reason"] = ""
        self.relevance_ = pd.DataFrame(effects, names, names)
        self.report_ = report
        return self

    def _check_parameters(self) -> None:
        if self.budget is not None and self.n_subsets is not None:
            raise ValueError("give budget or n_subsets, not both")
        for name in ("max_groups", "n_subsets"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, Integral) or value < 1):
                raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}")
        if self.budget is not None and not self.budget > 0:
            raise ValueError(f"budget must be positive seconds, got {self.budget!r}")

    def _learners(self, table: TaskTable) -> Learners:
        given = self.estimator
        made: dict[str, Learner] = {}
        if given is not None and not isinstance(given, str | dict):
            needed = "predict_proba" if self._kind == "binary" else "predict"
            if not hasattr(given, needed) or not hasattr(given, "fit"):
                raise ValueError(f"estimator must have fit and {needed}, got {given!r}")
            made["joint"] = Joint(given)
        else:
            described = (
                NETWORK if given is None else {"kind": given} if isinstance(given, str) else given
            )
            made["joint"] = _ours(described)
            made |= _rivals(table)
            if not made["joint"].capabilities.multi_task:
                raise ValueError(
                    f"estimator must be a kind that trains tasks jointly, such as network, got "
                    f"{described['kind']!r}, which trains each alone"
                )
        return Learners({f"{name}/{way}": one for name, one in made.items() for way in WAYS})

    def _features(self, matrix: Any) -> Any:
        scaled = matrix if self._scaler is None else self._scaler.transform(matrix)
        if issparse(scaled):
            scaled = csr_array(scaled, dtype=np.float32)
            scaled.sort_indices()
            return scaled
        return np.ascontiguousarray(scaled, dtype=np.float32)

    def _outputs(self, X: Any) -> np.ndarray:
        """Probabilities or values, (n_rows, T)."""
        check_is_fitted(self, "report_")
        matrix = validate_data(self, X, reset=False, accept_sparse="csr", dtype=np.float64)
        result = np.tile(self._constant, (matrix.shape[0], 1))
        if self._portfolio is None:
            return result
        features, problem, portfolio = self._features(matrix), self._problem, self._portfolio
        base = problem.base_outputs()
        anchored = np.full((len(self._models), *result[:, self._studied].shape), np.nan)
        for at, model in enumerate(self._models):
            said = model.outputs(features) - base[model.tasks]
            anchored[at][:, model.tasks] = said / problem.scale[model.tasks]
            # What only helped to train the model is predicted by another.
            helpers = np.setdiff1d(model.tasks, portfolio.models[at].predicts)
            anchored[at][:, helpers] = np.nan
        for place, task in enumerate(self._studied):
            columns = role_means(anchored[:, :, place].T, portfolio.owner, len(portfolio.roles))
            output = base[place] + problem.scale[place] * mixed(columns, self._weights[place])
            result[:, task] = expit(output) if self._kind == "binary" else output
        return result


class GroupedClassifier(ClassifierMixin, _Grouped):
    __doc__ = f"""Several binary tasks. {_Grouped.__doc__}
    classes_ : ndarray, (2,), or list of ndarray
        Of y (n,); of each column of Y (n, T).
    """
    _kind = "binary"

    def __sklearn_tags__(self) -> Any:
        """Two classes a task."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, Y: Any) -> Self:
        """Find groups and train; Y is (n, T) of two classes a column, NaN unknown, or y (n,)."""
        matrix, target, names = _validated(self, X, Y)
        self._one = target.ndim == 1
        if self._one:
            check_classification_targets(target)
        columns = target.reshape(len(target), -1)
        labels, classes = np.full(columns.shape, np.nan), []
        for at, column in enumerate(columns.T):
            known = ~pd.isna(column)
            found, code = np.unique(column[known], return_inverse=True)
            if len(found) > 2:
                raise ValueError(
                    "Only binary classification is supported. The type of the target is "
                    f"multiclass: task {names[at]!r} has {len(found)} classes"
                )
            if len(found) < 2 and self._one:
                raise ValueError("y has only one class; a classifier needs two")
            if len(found) == 1:
                only = found[0]
                # The class that nobody saw: 0 or "", or 1 where that is the one seen.
                unseen = type(only)() if only else type(only)(1)
                found = np.array(sorted([only, unseen]), dtype=column.dtype)
                code = np.searchsorted(found, column[known])
            labels[known, at] = code
            classes.append(found if len(found) else np.array([0, 1]))
        self.classes_: Any = classes[0] if self._one else classes
        return self._fit(matrix, labels, names)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities: (n, 2) after y (n,); else of each task's second class, (n, T).

        (n, T) is what scikit-learn's MLPClassifier and OneVsRestClassifier give for several labels.
        """
        positive = self._outputs(X)
        return np.hstack([1 - positive, positive]) if self._one else positive

    def predict(self, X: Any) -> np.ndarray:
        """The likelier class, (n,) or (n, T)."""
        place = (self._outputs(X) > 0.5).astype(int)
        classes = [self.classes_] if self._one else self.classes_
        said = np.column_stack([own[at] for own, at in zip(classes, place.T, strict=True)])
        return said[:, 0] if self._one else said


class GroupedRegressor(RegressorMixin, _Grouped):
    __doc__ = f"""Several real-valued tasks. {_Grouped.__doc__}"""
    _kind = "real"

    def fit(self, X: Any, Y: Any) -> Self:
        """Find groups and train; Y is (n, T) of numbers, NaN unknown, or y (n,)."""
        matrix, target, names = _validated(self, X, Y)
        self._one = target.ndim == 1
        labels = target.astype(np.float64).reshape(len(target), -1)
        return self._fit(matrix, labels, names)

    def predict(self, X: Any) -> np.ndarray:
        """Values, (n,) or (n, T)."""
        said = self._outputs(X)
        return said[:, 0] if self._one else said


def _validated(estimator: Any, X: Any, Y: Any) -> tuple[Any, np.ndarray, list[Any]]:
    """X as a matrix of float64, Y as an array, and the names of the tasks."""
    if Y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
    matrix = validate_data(
        estimator, X, accept_sparse="csr", dtype=np.float64, ensure_min_samples=2
    )
    names = list(Y.columns) if hasattr(Y, "columns") else None
    target = np.asarray(Y)
    if target.ndim == 2 and target.shape[1] == 1 and names is None:
        from sklearn.utils.validation import column_or_1d

        target = column_or_1d(target, warn=True)
    if target.ndim not in (1, 2):
        raise ValueError(f"Y must have one or two axes, got the shape {target.shape}")
    if len(target) != matrix.shape[0]:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: "
            f"{matrix.shape[0]} rows of X and {len(target)} of Y"
        )
    if target.dtype.kind in "fc" and (
        np.isinf(target).any() or (target.ndim == 1 and np.isnan(target).any())
    ):
        raise ValueError("Input y contains NaN or infinity; gaps need Y with a column a task")
    if target.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    n_tasks = 1 if target.ndim == 1 else target.shape[1]
    if n_tasks == 0:
        raise ValueError("Y must have at least one column")
    if names is not None and len(set(names)) < len(names):
        raise ValueError(f"Y must have a name of its own for each column, got {names}")
    return matrix, target, names or list(range(n_tasks))


def _ours(described: Any) -> Learner:
    try:
        section = LEARNERS.find(described.get("kind")).Settings
        return make_learner(section.model_validate(described))
    except (ValueError, ImportError) as error:
        raise ValueError(f"estimator: {error}") from error


def _rivals(table: TaskTable) -> dict[str, Learner]:
    """The learners beside the network whose fit to all labels can be afforded."""
    made = {name: _ours(described) for name, described in RIVALS.items()}
    fit = Model("", tuple(range(table.n_tasks))).final_fit(table, 0)
    return {name: one for name, one in made.items() if one.cost(table, [fit])[0] <= AFFORDABLE}


def _table(features: Any, labels: np.ndarray, kind: TaskKind, seed: int) -> TaskTable:
    row, task = np.nonzero(~np.isnan(labels))
    known = csr_array((labels[row, task].astype(np.float32), (row, task)), shape=labels.shape)
    n_rows, n_tasks = labels.shape
    try:
        folds = group_folds(np.arange(n_rows), known, N_FOLDS, seed)
    except ValueError:
        folds = np.random.default_rng(seed).permutation(n_rows) % N_FOLDS
    return TaskTable(
        features,
        known,
        folds.astype(np.int64),
        tuple(f"task{at}" for at in range(n_tasks)),
        (kind,) * n_tasks,
        tuple(map(str, range(n_rows))),
        N_FOLDS,
    )


def _base_rate(column: np.ndarray, kind: TaskKind) -> float:
    known = column[~np.isnan(column)]
    if kind == "binary":
        return float((known.sum() + 0.5) / (known.size + 1))
    return float(known.mean()) if known.size else np.nan
