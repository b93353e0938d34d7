"""Optuna's search for one recipe, trial after trial: the same bits however often it is stopped."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from cotrain.allocation import Fit
from cotrain.exceptions import CotrainError
from cotrain.files import cut_half_line
from cotrain.scores import SCORES
from cotrain.settings import Section
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, Learner, Outcome, make_learner
from cotrain.tuning._sample import Sample

Evaluate = Callable[[Learner, Sequence[Fit]], Sequence[Outcome]]
_D2 = list(SCORES).index("d2")
# A trial may cost so many times what the settings as they are do: the study's plan is sized for
# those.
DEARER = 3.0
_DRAWS = 50  # of settings that cost too much, before none is found
_AT_RANDOM = 6  # trials before the sampler learns from them


class AsTheyAre:
    """Answers what Optuna's trials are asked with a section's own values, by their names.

    A list counts by its first entry. A value outside the bounds is taken to the nearest one; one
    that is no choice makes `known` false.
    """

    def __init__(self, settings: Section) -> None:
        self._settings = settings
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        self.known = True

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        value = self._number(name, low, high)
        return float(self._take(name, float(value), FloatDistribution(low, high, log)))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        value = round(self._number(name, low, high))
        return int(self._take(name, value, IntDistribution(low, high, log)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        value = self._value(name)
        if value not in choices:
            self.known, value = False, choices[0]
        return self._take(name, value, CategoricalDistribution(choices))

    def _value(self, name: str) -> Any:
        value = getattr(self._settings, name)
        return value[0] if isinstance(value, list) else value

    def _number(self, name: str, low: float, high: float) -> float:
        value = self._value(name)
        if not isinstance(value, int | float):
            self.known, value = False, low
        return min(max(value, low), high)

    def _take(self, name: str, value: Any, distribution: BaseDistribution) -> Any:
        self.params[name], self.distributions[name] = value, distribution
        return value


@dataclass(frozen=True)
class Tried:
    """One trial."""

    settings: Section
    d2: float  # mean D² over the tasks and repeats that were trained; NaN if a fit failed
    complete: bool  # false: dropped before all fits were trained
    params: Mapping[str, Any]


def search_recipe(
    learner: Learner,
    table: TaskTable,
    sample: Sample,
    n_trials: int,
    seed: int,
    evaluate: Evaluate,
    storage: Path | None = None,
    name: str = "recipe",
) -> list[Tried]:
    """The trials, the first with the learner's settings as they are.

    Trials follow from the scores and the seed alone: each has a sampler of its own, so that a
    search that is stopped goes on as if it had not been, given that `evaluate` remembers its fits.
    Finished trials are added to the study `name` of Optuna's journal `storage`, for looking at.
    CotrainError if no fit can be trained with the settings as they are, or the storage be used.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=seed))
    kept = None if storage is None else _open(storage, name)
    limit = DEARER * sample.seconds
    trials: list[Tried] = []
    best = _Scores()
    sections = _sections(learner, table, study, seed, sample, limit)
    for number in range(n_trials):
        drawn = next(sections, None)
        if drawn is None:
            break
        section, params, distributions = drawn
        scores, complete = _try(make_learner(section), sample, best if number else None, evaluate)
        if number == 0 and not scores.by_task:
            raise CotrainError(f"nothing can be tuned: {scores.reason or 'no task has a D²'}")
        value = scores.mean()
        frozen = _frozen(value, complete, params, distributions)
        if distributions:
            study.add_trial(frozen)
        if kept is not None and len(kept.trials) <= number:
            kept.add_trial(frozen)
        trials.append(Tried(section, value, complete, params))
        if number == 0 or (complete and value > best.mean()):
            best = scores
    return trials


class _Scores:
    """D² of a trial's fits so far, by task."""

    def __init__(self) -> None:
        self.by_task: dict[int, list[float]] = {}
        self.fits: dict[Fit, np.ndarray] = {}
        self.reason = ""

    def add(self, fit: Fit, d2: np.ndarray) -> None:
        self.fits[fit] = d2
        for task, value in zip(fit.members, d2, strict=True):
            if np.isfinite(value):
                self.by_task.setdefault(task, []).append(float(value))

    def mean(self) -> float:
        """The mean over tasks of their means over fits; NaN if there are none."""
        if not self.by_task:
            return float("nan")
        return float(np.mean([np.mean(values) for values in self.by_task.values()]))


def _try(
    learner: Learner, sample: Sample, best: _Scores | None, evaluate: Evaluate
) -> tuple[_Scores, bool]:
    """Train rung after rung, until a fit fails that the best trial could train, or it falls behind.

    Fits that fail with the settings as they are (`best` is None) are left out of all trials.
    """
    scores = _Scores()
    for rung in sample.rungs:
        fits = [fit for fit in rung if best is None or fit in best.fits]
        for fit, outcome in zip(fits, evaluate(learner, fits), strict=True):
            if isinstance(outcome, FitFailure):
                scores.reason = outcome.reason
                if best is not None:
                    scores.by_task.clear()
                    return scores, False
            else:
                scores.add(fit, outcome.validation[:, _D2])
        if best is not None and rung is not sample.rungs[-1] and _is_behind(scores, best):
            return scores, False
    return scores, True


def _is_behind(scores: _Scores, best: _Scores) -> bool:
    """Whether the fits so far are worse than the best trial's by more than a standard error."""
    gains = [
        np.nanmean(d2 - best.fits[fit])
        for fit, d2 in scores.fits.items()
        if np.isfinite(d2 - best.fits[fit]).any()
    ]
    if len(gains) < 2:
        return False
    return bool(np.mean(gains) + np.std(gains, ddof=1) / np.sqrt(len(gains)) < 0)


def _sections(
    learner: Learner, table: TaskTable, study: optuna.Study, seed: int, sample: Sample, limit: float
) -> Any:
    """Settings to try with their parameters: those as they are, then what the sampler suggests."""
    here = AsTheyAre(learner.settings)
    learner.suggest(here, table)
    yield learner.settings, *((here.params, here.distributions) if here.known else ({}, {}))
    fits = [fit for rung in sample.rungs for fit in rung]
    for number in range(1, 10**6):
        study.sampler = TPESampler(
            seed=int(np.random.default_rng([seed, number]).integers(2**31)),
            n_startup_trials=_AT_RANDOM,
            multivariate=True,
        )
        for _ in range(_DRAWS):
            trial = study.ask()
            section = learner.suggest(trial, table)
            params, distributions = dict(trial.params), dict(trial.distributions)
            # Only finished trials stay in the study's order; this one comes back by `add_trial`.
            study.tell(trial, state=TrialState.FAIL)
            if make_learner(section).cost(table, fits).sum() <= limit:
                yield section, params, distributions
                break
        else:
            return


def _frozen(
    value: float, complete: bool, params: Mapping[str, Any], distributions: Mapping[str, Any]
) -> FrozenTrial:
    drawn = {"params": dict(params), "distributions": dict(distributions)}
    if complete and np.isfinite(value):
        return create_trial(value=value, **drawn)
    known = {0: value} if np.isfinite(value) else {}
    return create_trial(state=TrialState.PRUNED, intermediate_values=known, **drawn)


def study_name(label: str, version: str, learner: Learner, sample: Sample, seed: int) -> str:
    """The name of a search, which another table, learner, sample or seed does not share."""
    fits = [
        [sorted(fit.allocation.cells), fit.folds.validation, fit.seed]
        for rung in sample.rungs
        for fit in rung
    ]
    text = json.dumps([version, learner.identity(), fits, seed])
    return f"{label} {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _open(storage: Path, name: str) -> optuna.Study:
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        cut_half_line(storage)
        backend = JournalStorage(JournalFileBackend(str(storage)))
        return optuna.create_study(
            study_name=name, storage=backend, direction="maximize", load_if_exists=True
        )
    except Exception as error:  # the backend has errors of many kinds
        what = "cannot be used as Optuna's journal"
        raise CotrainError(f"{storage}: {what} ({error}); remove it") from error
