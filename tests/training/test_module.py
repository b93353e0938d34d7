"""A user's own trunk: the contract of learners, and what can be wrong with a dotted path."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from random_fits import make_fits, make_table

from cotrain.exceptions import DataError
from cotrain.scores import SCORES
from cotrain.testing import LearnerContract
from cotrain.training import FitFailure, FitResult
from cotrain.training._arrays import load_arrays, save_arrays
from cotrain.training.network import ModuleNetwork, Network

AUROC = list(SCORES).index("auroc")


def module(trunk="plain", **changes):
    values = {"epochs": 12, "learning_rate": 0.03, "batch_fraction": 0.4, "min_batch_size": 16}
    settings = {"trunk": f"small_trunks:{trunk}", "device": "cpu", **values, **changes}
    return ModuleNetwork(ModuleNetwork.Settings(**settings))


class TestModule(LearnerContract):
    needed = {"trunk": "small_trunks:plain"}  # noqa: RUF012

    def learner(self):
        return module()


class TestModuleWithBuffers(LearnerContract):
    needed = {"trunk": "small_trunks:normalised"}  # noqa: RUF012

    def learner(self):
        return module("normalised", patience=2, epochs=8)


class TestCompiledNetwork(LearnerContract):
    def learner(self):
        return Network(Network.Settings(hidden=[24], learning_rate=1e-2, dropout=0.2, epochs=20))


def test_features_of_any_shape_reach_the_trunk(tmp_path):
    table, fit = make_table(seed=5, n=800, n_features=72, real=()), make_fits()[0]
    images = table.features.toarray().reshape(800, 2, 6, 6)
    pictures = replace(table, features=images)
    learner = module("picture")
    result = learner.evaluate(pictures, [fit])[0]
    assert result.test[:, AUROC].min() > 0.7
    trained = learner.fit(pictures, fit)
    trained.save(tmp_path)
    loaded = learner.trained.load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(images), trained.outputs(images))


def test_other_learners_take_images_as_rows_of_numbers():
    table, fit = make_table(n_features=72), make_fits()[0]
    images = replace(table, features=table.features.toarray().reshape(300, 2, 6, 6))
    learner = Network(Network.Settings(hidden=[16]))
    one, other = (learner.evaluate(each, [fit])[0] for each in (table, images))
    np.testing.assert_array_equal(one.test, other.test)
    outputs = learner.fit(images, fit).outputs(images.features)
    np.testing.assert_allclose(outputs, learner.fit(table, fit).outputs(table.features), atol=1e-5)


def test_an_early_stop_is_told_so_that_validation_labels_are_kept_for_it():
    assert module(patience=2).stops_early
    assert not module().stops_early


def test_what_a_trunk_freezes_stays():
    table, fit = make_table(), make_fits()[0]
    torch.manual_seed(0)
    one, other = (module("frozen", epochs=n).fit(table, fit).module[0].weight for n in (1, 9))
    np.testing.assert_array_equal(one.detach(), other.detach())


def test_training_leaves_the_randomness_of_others_alone():
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    module().fit(make_table(), make_fits()[0])
    np.testing.assert_array_equal(torch.rand(3), wanted)


def test_a_trunk_that_is_written_anew_trains_fits_of_another_identity(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rewritten", raising=False)
    file = tmp_path / "rewritten.py"
    file.write_text("def trunk(shape, seed): ...\n")
    learner = ModuleNetwork(ModuleNetwork.Settings(trunk="rewritten:trunk"))
    before = learner.identity()
    assert before == learner.identity()
    file.write_text("def trunk(shape, seed): pass\n")
    assert before != learner.identity()


def test_a_learner_is_the_same_in_another_process():
    learner = pickle.loads(pickle.dumps(module()))
    table, fits = make_table(), make_fits()[:1]
    one, other = (each.evaluate(table, fits)[0] for each in (learner, module()))
    np.testing.assert_array_equal(one.test, other.test)


def test_a_worker_of_another_folder_finds_the_trunk(tmp_path, monkeypatch):
    (tmp_path / "far_away.py").write_text("def trunk(shape, seed):\n    return None\n")
    monkeypatch.syspath_prepend(tmp_path)
    learner = pickle.dumps(ModuleNetwork(ModuleNetwork.Settings(trunk="far_away:trunk")))
    read = "import pickle, sys; print(pickle.load(sys.stdin.buffer).factory.__module__)"
    done = subprocess.run([sys.executable, "-c", read], input=learner, capture_output=True, cwd="/")
    assert done.stdout == b"far_away\n", done.stderr


@pytest.mark.parametrize(
    ("trunk", "reason"),
    [
        ("no_such_module:trunk", "cannot be imported (ModuleNotFoundError: No module named 'no_"),
        ("small_trunks:lost", "cannot be imported (AttributeError: "),
        ("small_trunks:NOT_A_FUNCTION", "must be a function or class, got int"),
    ],
)
def test_a_path_that_names_no_factory_is_told_before_anything_is_trained(trunk, reason):
    with pytest.raises(ValueError, match="^trunk `") as caught:
        ModuleNetwork(ModuleNetwork.Settings(trunk=trunk))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("trunk", "reason"),
    [
        ("no_module", "must return a torch.nn.Module, got ndarray"),
        ("of_wrong_shape", "must map (2, 70) to (2, n_units), got (2, 70, 1)"),
        ("raises", "RuntimeError: no such thing"),
        ("picture", "IndexError: tuple index out of range"),
        ("stubborn", "RuntimeError: not today"),
    ],
)
def test_a_factory_that_makes_no_trunk_fails_the_fit_in_one_line(trunk, reason):
    failed, fine = (
        learner.evaluate(make_table(), make_fits()[:1])[0] for learner in (module(trunk), module())
    )
    assert isinstance(failed, FitFailure)
    assert failed.reason.startswith(f"trunk `small_trunks:{trunk}`: ")
    assert failed.reason.endswith(reason)
    assert isinstance(fine, FitResult)


@pytest.mark.parametrize(
    "learner", [module(device="warp"), Network(Network.Settings(engine="torch", device="warp"))]
)
def test_a_device_that_is_not_there_is_told(learner):
    outcome = learner.evaluate(make_table(), make_fits()[:1])[0]
    assert isinstance(outcome, FitFailure)
    assert "`device: warp` cannot be used" in outcome.reason
    assert "\n" not in outcome.reason


def test_a_model_is_loaded_on_the_trunk_of_the_settings_alone(tmp_path):
    module().fit(make_table(), make_fits()[0]).save(tmp_path)
    with pytest.raises(DataError, match="its trunk is small_trunks:plain, and the settings'"):
        module("frozen").trained.load(tmp_path)
    arrays = load_arrays(tmp_path / "module.safetensors")
    save_arrays(tmp_path / "module.safetensors", arrays | {"shape": arrays["shape"] + 1})
    with pytest.raises(DataError, match="no such model"):
        module().trained.load(tmp_path)
