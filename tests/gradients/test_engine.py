import contextlib
from typing import get_args

import numpy as np
import pytest
import torchjd
from scipy.sparse import csr_array
from torchjd import aggregation

from cotrain.allocation import Allocation, Fit, FoldUse, all_together, rotations, subset_fit
from cotrain.gradients import (
    Combination,
    CombinedModule,
    CombinedModuleSettings,
    CombinedNetwork,
    CombinedSettings,
)
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, FitResult, Learner
from cotrain.training.network import ModuleNetwork, ModuleSettings, Network, NetworkSettings

N_TASKS, N_FOLDS = 3, 6
_OF_QUADPROG = ("upgrad", "dualproj")  # torchjd needs two packages more for them
_OTHERS = [name for name in get_args(Combination) if name not in ("sum", *_OF_QUADPROG)]


def settings(**changes: object) -> NetworkSettings:
    return NetworkSettings(
        **{
            "engine": "torch",
            "hidden": [8],
            "dropout": 0.2,
            "epochs": 2,
            "batch_fraction": 0.1,
            "min_batch_size": 8,
            "learning_rate": 0.01,
            "decay_epochs": [1],
            "decay_factor": 0.3,
            "weight_decay": 0.0,
            "patience": 0,
        }
        | changes
    )


@pytest.fixture(scope="module")
def table() -> TaskTable:
    rng = np.random.default_rng(1)
    n = 90
    known = rng.random((n, N_TASKS)) < [0.7, 0.5, 0.05]
    row, task = np.nonzero(known)
    return TaskTable(
        features=csr_array((rng.random((n, 12)) < 0.4).astype(np.float32)),
        labels=csr_array(
            (
                (rng.random(row.size) < 0.5).astype(np.float32),
                task,
                np.append(0, known.sum(axis=1).cumsum()),
            ),
            shape=known.shape,
        ),
        folds=np.arange(n) % N_FOLDS,
        tasks=("a", "b", "c"),
        kinds=("binary",) * N_TASKS,
        examples=tuple(map(str, range(n))),
        n_folds=N_FOLDS,
    )


@pytest.fixture(scope="module")
def fit() -> Fit:
    return all_together(N_TASKS, 3, rotations(N_FOLDS, 3, 1, 1, seed=2))[0]


def combined(combination: str) -> CombinedNetwork:
    return CombinedNetwork(
        CombinedSettings(**settings().model_dump(exclude={"kind"}), combination=combination)
    )


def scores(learner: Learner, table: TaskTable, fit: Fit) -> np.ndarray:
    (outcome,) = learner.evaluate(table, [fit])
    assert isinstance(outcome, FitResult)
    return outcome.validation


def test_the_sum_trains_the_fit_of_the_torch_engine(table: TaskTable, fit: Fit) -> None:
    mean = scores(combined("sum"), table, fit)
    np.testing.assert_allclose(mean, scores(Network(settings(device="cpu")), table, fit), atol=1e-5)


@pytest.mark.parametrize("combination", _OTHERS)
def test_other_combinations_train_other_fits_and_repeat(
    table: TaskTable, fit: Fit, combination: str
) -> None:
    one, again = (scores(combined(combination), table, fit) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    mean = scores(combined("sum"), table, fit)
    assert np.isfinite(one[:2, 0]).all()
    assert not np.allclose(one[:2], mean[:2], atol=1e-5, equal_nan=True)


def test_a_fit_that_fails_stops_no_other(table: TaskTable, fit: Fit) -> None:
    nothing = Fit(
        Allocation(N_TASKS, N_FOLDS, frozenset()), FoldUse((0,), (1,), (5,)), 0, "group", 0, 1
    )
    outcomes = combined("pcgrad").evaluate(table, [nothing, fit])
    assert isinstance(outcomes[0], FitFailure)
    assert isinstance(outcomes[1], FitResult)


def test_a_single_task_trains_as_in_the_torch_engine(table: TaskTable) -> None:
    single = subset_fit(N_TASKS, [0], 3, rotations(N_FOLDS, 3, 1, 1, seed=2)[0])
    np.testing.assert_array_equal(
        scores(combined("itmtl"), table, single),
        scores(Network(settings(device="cpu")), table, single),
    )


def combined_module(combination: str) -> CombinedModule:
    shared = settings().model_dump(exclude={"kind", "engine", "hidden", "dropout"})
    return CombinedModule(
        CombinedModuleSettings(
            **shared, trunk="small_trunks:dropped_and_normalised", combination=combination
        )
    )


def test_a_trunk_of_ones_own_is_combined_like_the_network(table: TaskTable, fit: Fit) -> None:
    plain = combined_module("sum")
    module = ModuleNetwork(
        ModuleSettings(**plain.settings.model_dump(exclude={"kind", "combination"}))
    )
    np.testing.assert_allclose(scores(plain, table, fit), scores(module, table, fit), atol=1e-5)
    chosen = combined_module("itmtl")
    one, again = (scores(chosen, table, fit) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one[:2], scores(module, table, fit)[:2], atol=1e-5, equal_nan=True)
    single = subset_fit(N_TASKS, [0], 3, rotations(N_FOLDS, 3, 1, 1, seed=2)[0])
    np.testing.assert_array_equal(scores(chosen, table, single), scores(module, table, single))


def test_refuses_an_unknown_combination() -> None:
    with pytest.raises(ValueError, match="Input should be 'sum', 'itmtl'"):
        combined("best")


def test_every_aggregator_of_torchjd_that_needs_no_settings_and_no_memory_has_its_name() -> None:
    names = {"upgrad", "dualproj"}
    for name in aggregation.__all__:
        kind = getattr(aggregation, name)
        if issubclass(kind, aggregation.Aggregator) and not issubclass(kind, torchjd.Stateful):
            with contextlib.suppress(TypeError, ImportError):
                kind()
                names.add(name.lower())
    assert names == set(get_args(Combination)) - {"itmtl", "uncertainty"} | {"mean"}


def test_says_what_an_aggregator_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise ImportError("UPGrad requires quadprog")

    kind = type("UPGrad", (aggregation.Aggregator,), {"__new__": lambda _: lacking()})
    monkeypatch.setattr(aggregation, "UPGrad", kind)
    with pytest.raises(ValueError, match="upgrad cannot be made by its name: UPGrad requires qu"):
        combined("upgrad")
