"""Recipes that tuning finds: known truths, budgets, and the same bits after a stop."""

import numpy as np
import optuna
import pytest
from pydantic import ValidationError
from random_fits import make_model, make_table

from cotrain.allocation import WAYS, rotations
from cotrain.exceptions import CotrainError, DataError
from cotrain.scores import SCORES
from cotrain.settings import Section, TuneSettings
from cotrain.training import Capabilities, FitFailure, FitResult, Learner
from cotrain.training.network import Network, NetworkSettings
from cotrain.tuning import Recipes
from cotrain.tuning._sample import sample_fits
from cotrain.tuning._search import AsTheyAre, search_recipe
from cotrain.tuning._tune import Tuning

TABLE = make_table(n_tasks=7)
REPEATS = rotations(5, 3, 1, 2, 0)
MODEL = make_model(head_bias="base_rate")


class StopError(Exception):
    """Raised where a search is killed."""


class MadeUp:
    """Outcomes that follow a known law; remembers what was asked, and stops when it is told."""

    def __init__(self, law, stop_after=None):
        self.law, self.stop_after = law, stop_after
        self.done = {}
        self.asked = []

    def __call__(self, learner, fits):
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise StopError
        self.asked.append(learner.settings)
        outcomes = []
        for fit in fits:
            d2 = self.law(learner.settings, fit)
            if d2 is None:
                outcomes.append(FitFailure("it does not train"))
                continue
            values = np.full((len(fit.members), len(SCORES)), d2)
            tasks = np.array(fit.members)
            outcomes.append(FitResult(tasks, np.ones_like(tasks), values, values))
        return outcomes


def law(settings, fit):
    """Best at a dropout of 0.4 for single tasks and of 0.1 for the others."""
    best = 0.4 if len(fit.members) == 1 else 0.1
    return 0.5 - (settings.dropout - best) ** 2


def tune(evaluate, tmp_path=None, learner=None, **settings):
    storage = None if tmp_path is None else tmp_path / "trials.log"
    values = {"trials": 16, "budget": None, "seed": 3} | settings
    tuning = Tuning(TABLE, "v", 2, REPEATS, TuneSettings(**values), evaluate, storage)
    return tuning.tune("network", learner or Network(MODEL))


def test_each_way_finds_its_own_best():
    recipes, trials = tune(MadeUp(law))
    assert recipes.single.settings["dropout"] == pytest.approx(0.4, abs=0.1)
    for way in ("group", "together"):
        assert recipes.recipe(way).settings["dropout"] == pytest.approx(0.1, abs=0.1)
    assert {len(found) for found in trials.values()} == {16}
    assert recipes.single.d2 == pytest.approx(0.5, abs=0.01)
    assert recipes.single.untuned_d2 == pytest.approx(law(MODEL, REPEATS_FIT))


REPEATS_FIT = sample_fits("single", Network(MODEL), TABLE, 2, REPEATS, 0, np.inf).rungs[0][0]


def test_trial_0_is_the_settings_as_they_are_and_stays_where_nothing_is_better():
    evaluate = MadeUp(lambda settings, _: 1.0 if settings == MODEL else 0.0)
    recipes, trials = tune(evaluate, trials=6)
    for way in WAYS:
        assert trials[way][0].settings == MODEL
        assert NetworkSettings(**recipes.recipe(way).settings) == MODEL
        assert recipes.recipe(way).d2 == recipes.recipe(way).untuned_d2 == 1.0


def test_the_best_of_a_grid_is_reached_by_the_single_task_network():
    """On real fits: no settings of a grid are clearly better on validation than those found."""
    start = make_model(dropout=0.0, epochs=40, learning_rate=1e-2)  # overfits
    sample = _sample("single", 0, Network(start))

    def train(learner, fits):
        return learner.evaluate(TABLE, fits)

    trials = search_recipe(Network(start), TABLE, sample, 10, 0, train)
    fits = [fit for rung in sample.rungs for fit in rung]
    at = list(SCORES).index("d2")

    def mean_d2(**changes):
        outcomes = train(Network(start.model_copy(update=changes)), fits)
        return np.mean([outcome.validation[0, at] for outcome in outcomes])

    grid = [mean_d2(dropout=drop, epochs=n) for drop in (0.0, 0.5) for n in (4, 12)]
    found = max(trial.d2 for trial in trials if trial.complete)
    assert found > max(grid) - 0.02
    assert found > trials[0].d2 + 0.1


def _sample(way, seconds=np.inf, learner=None, table=TABLE):
    return sample_fits(way, learner or Network(MODEL), table, 2, REPEATS, 3, seconds)


@pytest.mark.parametrize("stop_after", [0, 1, 9, 20])
def test_a_search_that_is_stopped_ends_with_the_same_bits(tmp_path, stop_after):
    def remembered(evaluate, store):
        def ask(learner, fits):
            keys = [(repr(learner.settings), fit) for fit in fits]
            missing = [fit for key, fit in zip(keys, fits, strict=True) if key not in store]
            for fit, out in zip(missing, evaluate(learner, missing), strict=True):
                store[repr(learner.settings), fit] = out
            return [store[key] for key in keys]

        return ask

    expected, _ = tune(MadeUp(law), tmp_path / "whole", trials=8)
    store = {}
    with pytest.raises(StopError):
        tune(remembered(MadeUp(law, stop_after), store), tmp_path / "cut", trials=8)
    again, _ = tune(remembered(MadeUp(law), store), tmp_path / "cut", trials=8)
    Recipes({"network": expected}).save(tmp_path / "a.json")
    Recipes({"network": again}).save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    for kept in _studies(tmp_path / "cut"):
        assert [trial.number for trial in kept.trials] == list(range(8))
        assert kept.trials[0].params["epochs"] == 4  # 3 epochs, at the bound


def _studies(folder):
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "trials.log"))
    storage = optuna.storages.JournalStorage(backend)
    names = optuna.get_all_study_names(storage)
    assert len(names) == 3
    return [optuna.load_study(study_name=name, storage=storage) for name in names]


def test_a_trial_whose_fits_fail_or_fall_behind_is_never_chosen():
    def fails(settings, fit):
        if settings == MODEL:
            return -0.5
        return None if settings.dropout > 0.3 else -1.0

    recipes, trials = tune(MadeUp(fails), trials=10)
    assert not any(trial.complete for trial in trials["single"][1:])
    assert NetworkSettings(**recipes.single.settings) == MODEL


def test_fits_that_never_train_are_left_out_and_all_of_them_are_one_line():
    recipes, _ = tune(MadeUp(lambda s, fit: None if fit.members == (0,) else law(s, fit)), trials=4)
    assert recipes.single.d2 >= recipes.single.untuned_d2
    with pytest.raises(CotrainError, match="nothing can be tuned: it does not train"):
        tune(MadeUp(lambda *_: None), trials=4)


class TestTheSample:
    def test_groups_hold_every_task_of_a_small_table(self):
        groups = {fit.members for rung in _sample("group").rungs for fit in rung}
        assert {task for group in groups for task in group} == set(range(7))
        assert {len(group) for group in groups} <= {3, 4, 5, 6}

    def test_a_smaller_budget_trains_the_first_of_the_same_models(self):
        whole, less = _sample("single"), _sample("single", _sample("single").seconds * 0.8)
        every = {fit for rung in whole.rungs for fit in rung}
        some = {fit for rung in less.rungs for fit in rung}
        assert some < every
        assert less.seconds <= 0.8 * whole.seconds

    def test_no_group_of_two_tasks_is_not_all_of_them(self):
        assert _sample("group", table=make_table(n_tasks=2)) is None
        assert _sample("together", table=make_table(n_tasks=1, real=())) is None

    def test_a_budget_below_one_trial_is_one_line(self):
        with pytest.raises(CotrainError, match=r"`tune.budget` is too small for one trial of `lea"):
            tune(MadeUp(law), budget=1e-6)

    def test_a_budget_leaves_every_way_as_many_trials(self):
        seconds = max(_sample(way, 0).seconds for way in WAYS)
        _, trials = tune(MadeUp(law), budget=3 * 2.5 * seconds / 60, trials=20)
        assert {len(found) for found in trials.values()} == {2}


class Plain(Learner):
    """A learner of one model a task that has something to tune, and one that has not."""

    Settings = NetworkSettings
    capabilities = Capabilities(multi_task=False, seeded=False)

    def fit(self, table, fit, stop=None):
        raise NotImplementedError


class Tunable(Plain):
    def suggest(self, trial, _table):
        return self.settings.model_copy(update={"dropout": trial.suggest_float("dropout", 0, 0.6)})


def test_a_learner_of_single_tasks_has_one_recipe_and_trains_no_seed_twice():
    evaluate = MadeUp(law)
    fixed = rotations(5, 3, 1, 2, 0, rotate=False)
    tuning = Tuning(TABLE, "v", 2, fixed, TuneSettings(trials=5), evaluate)
    recipes, trials = tuning.tune("plain", Tunable(MODEL))
    assert list(trials) == ["single"]
    assert recipes.single == recipes.group == recipes.together
    tuned, none = tuning.tune("plain", Plain(MODEL))
    assert none == {}
    assert tuned.single.settings == tuned.untuned
    assert tuned.single.d2 is None


def test_settings_as_they_are_answer_like_a_trial():
    here = AsTheyAre(make_model(hidden=[4000], dropout=0.2))
    settings = Network(make_model()).suggest(here, TABLE)
    assert here.params["hidden"] == 2048
    assert settings.dropout == 0.2
    assert settings.loss == "squared"
    assert here.known
    optuna.trial.create_trial(value=0.0, params=here.params, distributions=here.distributions)


class TestTheFile:
    @pytest.fixture
    def path(self, tmp_path):
        recipes, _ = tune(MadeUp(law), trials=3)
        Recipes({"network": recipes}).save(tmp_path / "recipes.json")
        return tmp_path / "recipes.json"

    def test_is_read_as_it_was_written(self, path):
        found = Recipes.load(path, {"network": MODEL})
        found.save(path.with_name("again.json"))
        assert path.read_bytes() == path.with_name("again.json").read_bytes()

    def test_other_settings_want_another_search(self, path):
        other: Section = make_model(epochs=4)
        with pytest.raises(DataError, match="other settings of `learners.network`; run `cotrain t"):
            Recipes.load(path, {"network": other})
        with pytest.raises(DataError, match="other settings of `learners.forest`"):
            Recipes.load(path, {"forest": MODEL})

    def test_what_is_missing_or_broken_is_one_line(self, path):
        path.write_text("{")
        with pytest.raises(DataError, match="cannot be read"):
            Recipes.load(path, {"network": MODEL})
        path.unlink()
        with pytest.raises(DataError, match="there is no such file; run `cotrain tune`"):
            Recipes.load(path, {"network": MODEL})


@pytest.mark.parametrize("wrong", [{"trials": -1}, {"budget": 0.0}, {"trials": 2.5}, {"tries": 3}])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        TuneSettings(**wrong)
