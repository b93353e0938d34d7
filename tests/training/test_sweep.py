import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import random_fits
from random_fits import Hungry, Saboteur, make_fits, make_model, make_table
from threadpoolctl import ThreadpoolController

from cotrain.settings import TrainSettings
from cotrain.training import FitFailure, FitResult, estimate_seconds, sweep, sweep_learners
from cotrain.training._learner import NEVER
from cotrain.training.learners import Linear
from cotrain.training.network import Network
from cotrain.training.network._compiled import CompiledEngine
from cotrain.training.network._torch import TorchEngine

PLAIN = Network(make_model())
ONE, TWO = (TrainSettings(workers=n, backend="threading") for n in (1, 2))


def outcomes(learner, table, fits, train):
    return {fit: outcome for fit, outcome, _ in sweep(learner, table, fits, train)}


@pytest.mark.parametrize(
    "train", [TWO, TrainSettings(workers=2, backend="loky")], ids=["threads", "processes"]
)
def test_results_do_not_depend_on_workers(mixed, train):
    fits = make_fits()
    alone = outcomes(PLAIN, mixed, fits, ONE)
    spread = outcomes(PLAIN, mixed, fits[::-1], train)
    assert set(alone) == set(spread) == set(fits)
    for fit in fits:
        np.testing.assert_array_equal(alone[fit].validation, spread[fit].validation)
        np.testing.assert_array_equal(alone[fit].test, spread[fit].test)


class Counting(Linear):
    """Notes the threads of the numerical libraries that each fit is trained with."""

    def fit(self, table, fit, stop=NEVER):
        COUNTED.append(max(one["num_threads"] for one in BLAS.info()))
        return super().fit(table, fit, stop)


COUNTED: list[int] = []
BLAS = ThreadpoolController().select(user_api="blas")


def test_every_worker_has_one_thread_of_its_own(mixed):
    COUNTED.clear()
    with BLAS.limit(limits=2):
        assert max(one["num_threads"] for one in BLAS.info()) == 2
        outcomes(Counting(Linear.Settings()), mixed, make_fits(), TWO)
    assert [1] * len(make_fits()) == COUNTED


def test_the_longest_fit_goes_first(mixed):
    fits = make_fits()
    order = [fit for fit, _, _ in sweep(PLAIN, mixed, fits, ONE)]
    costs = estimate_seconds(PLAIN, mixed, order)
    assert (np.diff(costs) <= 0).all()


def test_fits_of_several_learners_are_what_each_trains_alone(mixed):
    learners = {"network": PLAIN, "linear": Linear(Linear.Settings())}
    fits = [replace(fit, learner=name) for name in learners for fit in make_fits()[:4]]
    found = list(sweep_learners(learners, mixed, fits, ONE))
    assert [fit.learner for fit, _, _ in found] == ["network"] * 4 + ["linear"] * 4
    for name, learner in learners.items():
        own = [fit for fit, _, _ in found if fit.learner == name]
        assert (np.diff(estimate_seconds(learner, mixed, own)) <= 0).all()
    alone = {
        fit: outcome
        for name, learner in learners.items()
        for fit, outcome in outcomes(
            learner, mixed, [fit for fit in fits if fit.learner == name], ONE
        ).items()
    }
    assert {fit for fit, _, _ in found} == set(alone)
    for fit, outcome, _ in found:
        np.testing.assert_array_equal(outcome.validation, alone[fit].validation)
        np.testing.assert_array_equal(outcome.test, alone[fit].test)


def test_a_killed_worker_fails_its_fit_alone(mixed):
    fits = make_fits()
    found = outcomes(Saboteur(make_model()), mixed, fits, TrainSettings(workers=2, backend="loky"))
    assert set(found) == set(fits)
    for fit, outcome in found.items():
        if fit.members == (2,):
            assert isinstance(outcome, FitFailure)
            assert "killed, most likely out of memory" in outcome.reason
        else:
            assert isinstance(outcome, FitResult)


def test_a_worker_out_of_memory_fails_its_fit_alone(mixed):
    fits = make_fits()
    found = outcomes(Hungry(make_model()), mixed, fits, TrainSettings(workers=2, backend="loky"))
    failed = {fit.members: o.reason for fit, o in found.items() if isinstance(o, FitFailure)}
    assert list(failed) == [(2,)]
    assert "out of memory; use fewer workers" in failed[2,]
    assert len(found) == len(fits)


def test_dask_trains_the_same_fits(mixed):
    distributed = pytest.importorskip("distributed")
    fits = make_fits()
    alone = outcomes(PLAIN, mixed, fits, ONE)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        spread = outcomes(PLAIN, mixed, fits, TrainSettings(workers=2, backend="dask"))
    assert set(spread) == set(fits)
    for fit in fits:
        np.testing.assert_array_equal(alone[fit].test, spread[fit].test)


@pytest.mark.parametrize("engine", [CompiledEngine(), TorchEngine()], ids=["compiled", "torch"])
def test_a_fit_stops_at_its_next_batch(engine, mixed):
    outcome = engine.train(mixed, make_fits()[:1], make_model(), np.ones(1, dtype=np.bool_))[0]
    assert isinstance(outcome, FitFailure)
    assert "stopped" in outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_ctrl_c_stops_long_fits_and_keeps_what_is_finished(engine, backend, tmp_path):
    script = f"""
        import signal, sys
        from dataclasses import replace
        # A program that a shell starts in the background ignores Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.path.insert(0, {str(Path(random_fits.__file__).parent)!r})
        from random_fits import LongAfterwards, make_fits, make_model, make_table
        from cotrain.settings import TrainSettings
        from cotrain.training import sweep
        # Of equal cost, they are trained in this order; from the fifth on they would take hours.
        fits = [replace(make_fits()[0], seed=seed) for seed in range(8)]
        train = TrainSettings(workers=2, backend={backend!r})
        learner = LongAfterwards(make_model(engine={engine!r}))
        n = 0
        try:
            for fit, outcome, seconds in sweep(learner, make_table(), fits, train):
                n += 1
                print(n, flush=True)
        except KeyboardInterrupt:
            print("kept", n, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            while int(process.stdout.readline()) < 4:
                pass
            time.sleep(1)  # the workers are in the long fits now
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert int(rest.split("kept")[1]) >= 4
    assert process.returncode == 0


def test_estimates_grow_with_work_and_follow_measurements(mixed):
    fits = make_fits()
    costs = estimate_seconds(PLAIN, mixed, fits)
    assert costs.shape == (len(fits),)
    assert costs[0] > costs[1:6].max() > 0
    assert (estimate_seconds(Network(make_model(epochs=30)), mixed, fits) > costs).all()
    measured = estimate_seconds(PLAIN, mixed, fits, {fits[0]: 7.0})
    assert measured[0] == pytest.approx(7.0)
    np.testing.assert_allclose(measured / costs, measured[0] / costs[0])
    assert estimate_seconds(PLAIN, mixed, []).size == 0


def test_rows_are_counted_as_trained():
    from cotrain.training._problem import Problem
    from cotrain.training.network._cost import _rows_and_entries

    table, fits = make_table(seed=4), make_fits()
    use = np.stack([fit.allocation.matrix for fit in fits], axis=2)
    n_rows, n_entries = _rows_and_entries(table, use)
    for fit, rows, entries in zip(fits, n_rows, n_entries, strict=True):
        examples = Problem.of(table, fit).train.rows
        assert rows == examples.size
        assert entries == table.features[examples].nnz
