"""The contract of learners, as tests."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from cotrain.allocation import Fit, all_together, rotations, single_tasks, subset_fit
from cotrain.exceptions import FitError
from cotrain.scores import SCORES, score_tasks
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, FitResult, Learner, Problem

__all__ = ["LearnerContract"]

_N_TASKS = 4


class LearnerContract:
    """What every learner must do. A subclass gives `learner`; pytest does the rest.

    Tables are small and easy; a learner whose `capabilities` leave a kind of task out is tested
    without it. Each test gets a learner made anew.
    """

    # Features that tables have; for a learner that takes one kind alone.
    layouts: tuple[str, ...] = ("sparse", "dense")
    # Settings that have no default.
    needed: Mapping[str, object] = {}

    def learner(self) -> Learner:
        """The learner to be tested, quick enough to be trained forty times."""
        raise NotImplementedError

    def table(self, layout: str = "sparse") -> TaskTable:
        """300 examples of four tasks with many gaps; the first features carry the labels."""
        able = self.learner().capabilities
        real = {t for t in range(_N_TASKS) if not able.binary or (able.real and t == 0)}
        rng = np.random.default_rng(0)
        features = (rng.random((300, 40)) < 0.2).astype(np.float32)
        score = 3 * features[:, :6].sum(axis=1)[:, None] + rng.normal(size=(300, _N_TASKS))
        labels = (score > np.median(score)).astype(np.float32)
        columns = sorted(real)
        labels[:, columns] = 5 + 2 * score[:, columns]
        known = rng.random(labels.shape) < 0.6
        row, task = np.nonzero(known)
        start = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
        return TaskTable(
            features=features if layout == "dense" else csr_array(features),
            labels=csr_array((labels[row, task], task.astype(np.int32), start), known.shape),
            folds=rng.integers(0, 5, 300),
            tasks=tuple(f"task{task}" for task in range(_N_TASKS)),
            kinds=tuple("real" if task in real else "binary" for task in range(_N_TASKS)),
            examples=tuple(map(str, range(300))),
            n_folds=5,
        )

    def fits(self, seed: int = 0) -> list[Fit]:
        """All tasks together, each alone, and two of them with one training fold more."""
        rotation = rotations(5, 3, 1, 1, seed)[0]
        return [
            *all_together(_N_TASKS, 2, [rotation]),
            *single_tasks(_N_TASKS, 2, [rotation]),
            subset_fit(_N_TASKS, [0, 3], 3, rotation),
        ]

    def test_it_learns(self) -> None:
        for layout in self.layouts:
            table, fit = self.table(layout), self.fits()[0]
            result = _result(self.learner(), table, fit)
            wanted = {"binary": ("auroc", 0.65), "real": ("r2", 0)}
            for scores, kind in zip(result.test, table.kinds, strict=True):
                name, least = wanted[kind]
                found = scores[list(SCORES).index(name)]
                assert found > least, f"{layout}: {name} of {found:.2f}"

    def test_the_same_fit_gives_the_same_bits_whatever_it_is_trained_beside(self) -> None:
        table, fits, learner = self.table(), self.fits(), self.learner()
        together = learner.evaluate(table, fits)
        backwards = learner.evaluate(table, fits[::-1])[::-1]
        for fit, one, other in zip(fits, together, backwards, strict=True):
            alone = _result(self.learner(), table, fit)
            for outcome in (one, other):
                assert isinstance(outcome, FitResult), outcome
                _assert_same(alone, outcome)

    def test_what_is_not_in_the_fit_changes_nothing(self) -> None:
        table, fit = self.table(), self.fits()[1]
        labels = table.labels.copy()
        others = labels.indices != fit.members[0]
        labels.data[others] = labels.data[others][::-1].round().clip(0, 1)
        one, other = (
            _result(self.learner(), each, fit) for each in (table, replace(table, labels=labels))
        )
        _assert_same(one, other)

    def test_scores_follow_from_predictions(self) -> None:
        table, fit = self.table(), self.fits()[0]
        result, problem = _result(self.learner(), table, fit), Problem.of(table, fit)
        assert result.predictions is not None
        parts = (
            (problem.validation, result.predictions.validation, result.validation),
            (problem.test, result.predictions.test, result.test),
        )
        for labels, predicted, scores in parts:
            assert predicted.dtype == np.float32
            assert predicted.shape == labels.truth.shape
            wanted = score_tasks(labels.member, labels.truth, predicted, problem.is_binary)
            np.testing.assert_allclose(scores, wanted, rtol=1e-4, atol=1e-5)

    def test_a_model_predicts_what_was_scored(self) -> None:
        for layout in self.layouts:
            table, fit, learner = self.table(layout), self.fits()[0], self.learner()
            labels, result = Problem.of(table, fit).test, _result(learner, table, fit)
            trained = learner.fit(table, fit)
            assert trained.tasks.tolist() == list(fit.members)
            assert trained.is_binary.tolist() == table.is_binary.tolist()
            assert trained.n_parameters > 0
            inputs = table.inputs(trained.reads)[labels.rows]
            outputs = trained.outputs(inputs)[labels.row, labels.member]
            assert result.predictions is not None
            np.testing.assert_allclose(outputs, result.predictions.test, rtol=1e-3, atol=1e-3)

    def test_a_saved_model_predicts_the_same(self, tmp_path: Path) -> None:
        table, fit, learner = self.table(), self.fits()[-1], self.learner()
        trained = learner.fit(table, fit)
        files = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            learner.fit(table, fit).save(tmp_path / name)
            files.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
        assert files[0] == files[1], "the same model must give the same bytes"
        loaded = learner.trained.load(tmp_path / "one")
        inputs = table.inputs(trained.reads)
        np.testing.assert_array_equal(loaded.outputs(inputs), trained.outputs(inputs))
        np.testing.assert_array_equal(loaded.tasks, trained.tasks)
        np.testing.assert_array_equal(loaded.is_binary, trained.is_binary)

    def test_probabilities_are_never_certain(self) -> None:
        table, fit = self.table(), self.fits()[0]
        trained = self.learner().fit(table, fit)
        predicted = trained.predict(table.inputs(trained.reads))
        assert np.isfinite(predicted).all()
        assert ((predicted > 0) & (predicted < 1))[:, trained.is_binary].all()

    def test_a_member_of_one_class_is_predicted_near_its_base_rate(self) -> None:
        if not self.learner().capabilities.binary:
            return
        table, fit = self.table(), self.fits()[0]
        labels = table.labels.copy()
        labels.data = np.where(labels.indices == 1, np.float32(1), labels.data)
        trained = self.learner().fit(replace(table, labels=labels), fit)
        predicted = trained.predict(table.inputs(trained.reads))
        assert (predicted[:, 1] > 0.8).mean() > 0.9

    def test_a_member_without_labels_has_no_scores(self) -> None:
        table, fit = self.table(), self.fits()[0]
        trained_on = np.isin(table.folds[table.label_rows], fit.allocation.folds)
        result = _result(self.learner(), _without(table, trained_on, 2), fit)
        assert np.isnan(result.test[2]).all()
        assert result.n_labels[2] == 0
        assert result.predictions is not None
        problem = Problem.of(table, fit)
        known = np.isfinite(result.predictions.test)
        np.testing.assert_array_equal(known, problem.test.member != 2)

    def test_a_member_without_test_labels_has_no_test_scores(self) -> None:
        table, fit = self.table(), self.fits()[0]
        tested = np.isin(table.folds[table.label_rows], fit.folds.test)
        result = _result(self.learner(), _without(table, tested, 2), fit)
        assert np.isnan(result.test[2]).all()
        assert np.isfinite(result.validation[2]).any()

    def test_a_fit_without_anything_to_learn_fails_in_one_line(self) -> None:
        table, fits = self.table(), self.fits()
        trained_on = np.isin(table.folds[table.label_rows], fits[3].allocation.folds)
        failed, fine = self.learner().evaluate(_without(table, trained_on, 2), fits[3:5])
        assert isinstance(failed, FitFailure)
        assert "\n" not in failed.reason
        assert isinstance(fine, FitResult), fine

    def test_it_stops_when_told(self) -> None:
        stop = np.ones(1, dtype=np.bool_)
        outcomes = self.learner().evaluate(self.table(), self.fits()[:1], stop)
        assert isinstance(outcomes[0], FitFailure)
        try:
            self.learner().fit(self.table(), self.fits()[0], stop)
        except FitError:
            return
        raise AssertionError("a fit that is told to stop must raise FitError")

    def test_capabilities_are_what_it_does(self) -> None:
        table, learner = self.table(), self.learner()
        able = learner.capabilities
        alone, together = self.fits()[2], self.fits()[0]
        result = _result(learner, table, together).test
        by_itself = _result(learner, table, alone).test
        assert _differ(by_itself, result[1:2]) == able.multi_task, "multi_task"
        other = _result(learner, table, replace(together, seed=together.seed + 1))
        assert _differ(other.test, result) == able.seeded, "seeded"
        weights = np.linspace(0.1, 3, table.n_examples)
        weighted = _result(learner, replace(table, example_weights=weights), together)
        assert _differ(weighted.test, result) == able.example_weights, "example_weights"

    def test_costs_are_seconds(self) -> None:
        table, fits = self.table(), self.fits()
        costs = self.learner().cost(table, fits)
        assert costs.shape == (len(fits),)
        assert (costs > 0).all()
        assert self.learner().cost(table, []).shape == (0,)
        assert self.learner().operations(table, fits).shape == (len(fits),)

    def test_settings_have_defaults_and_tell_its_kind(self) -> None:
        settings = type(self.learner()).Settings
        kind = settings.model_fields["kind"].default
        assert isinstance(kind, str), "`kind` must be a literal with itself as default"
        type(self.learner())(settings.model_validate({"kind": kind, **self.needed}))
        assert isinstance(self.learner().identity(), dict)


def _result(learner: Learner, table: TaskTable, fit: Fit) -> FitResult:
    outcome = learner.evaluate(table, [fit])[0]
    assert isinstance(outcome, FitResult), outcome
    return outcome


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return not np.array_equal(one, other, equal_nan=True)


def _assert_same(one: FitResult, other: FitResult) -> None:
    assert one.predictions is not None
    assert other.predictions is not None
    np.testing.assert_array_equal(one.predictions.validation, other.predictions.validation)
    np.testing.assert_array_equal(one.predictions.test, other.predictions.test)
    np.testing.assert_array_equal(one.test, other.test)


def _without(table: TaskTable, where: np.ndarray, task: int) -> TaskTable:
    """The table without the labels of a task among those at `where`, bool (n_labels,)."""
    keep = ~(where & (table.labels.indices == task))
    start = np.concatenate([[0], np.cumsum(keep)])[table.labels.indptr]
    parts = (table.labels.data[keep], table.labels.indices[keep], start)
    return replace(table, labels=csr_array(parts, shape=table.labels.shape))
