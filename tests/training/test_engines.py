"""What both engines must do, and that they do the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from random_fits import make_fits, make_model, make_table
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cotrain.allocation import Allocation, Fit, FoldUse, Rotation, subset_fit
from cotrain.exceptions import FitError
from cotrain.scores import SCORES
from cotrain.tasks import TaskTable
from cotrain.training import FitFailure, FitResult, fit_result, make_learner
from cotrain.training._problem import Problem
from cotrain.training.network._compiled import CompiledEngine, _Training
from cotrain.training.network._recipe import initial_heads, initial_layers
from cotrain.training.network._torch import TorchEngine

COMPILED, TORCH = CompiledEngine(np.float64), TorchEngine(dtype=torch.float64)


def bounded(table, seed=0):
    """The table with half of its real labels known to be above or below a value beside them."""
    rng, labels = np.random.default_rng(seed), table.labels.tocoo()
    row, task = labels.coords
    side = np.where(table.is_binary[task], 0, rng.integers(-1, 2, task.size))

    def part(wanted, values):
        at = side == wanted
        return csr_array((values[at], (row[at], task[at])), shape=table.labels.shape)

    beside = labels.data - side * rng.exponential(1.0, task.size).astype(np.float32)
    return replace(
        table,
        labels=part(0, labels.data),
        lower_bounds=part(1, beside),
        upper_bounds=part(-1, beside),
    )


def scores_of(outcome):
    assert isinstance(outcome, FitResult), outcome
    return np.hstack([outcome.validation, outcome.test])


def assert_same_bits(one, other):
    np.testing.assert_array_equal(scores_of(one), scores_of(other))


@pytest.mark.parametrize("hidden", [[20], [70, 33], [16, 130]])
@pytest.mark.parametrize("ones", [True, False])
@pytest.mark.parametrize("bounds", ["leave_out", "one_sided"])
def test_gradient_of_one_step_equals_autograd(hidden, ones, bounds):
    table = make_table(seed=len(hidden), real=(0, 4), ones=ones, weights=not ones)
    table = bounded(table)
    fit = replace(make_fits()[0], task_weights=(0.5, 1.0, 2.0, 3.0, 1.5))
    model = make_model(hidden=hidden, dropout=0.0, epochs=1, batch_fraction=1.0, bounds=bounds)
    training = _Training.of(table, fit, model, np.float64)
    training.run()
    # After one step Adam's first moment is a tenth of the gradient.
    moments = training.network
    training.network = type(moments)(*(part._replace(weight=part.first * 10) for part in moments))
    found = training.weights()
    wanted = autograd(table, fit, hidden, bounds == "one_sided")
    for layer, (weight, bias) in zip([*found.hidden, found.heads], wanted, strict=True):
        for mine, theirs in ((layer.weight, weight), (layer.bias, bias)):
            scale = np.abs(theirs).max()
            assert np.abs(mine - theirs).max() <= 1e-5 * scale
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-12 * scale)


def autograd(table, fit, hidden, one_sided):
    """The gradients by PyTorch, from dense arrays and the definition of the loss."""
    problem = Problem.of(table, fit)
    layers = initial_layers(hidden, table.n_features, fit.seed, np.float64)
    layers = [*layers, initial_heads(problem, hidden[-1], fit.seed, np.float64)]
    weights = [
        tuple(torch.tensor(part, requires_grad=True) for part in (layer.weight, layer.bias))
        for layer in layers
    ]
    x = torch.tensor(table.features.toarray(), dtype=torch.float64)
    for weight, bias in weights[:-1]:
        x = torch.relu(x @ weight + bias)
    output = x @ weights[-1][0] + weights[-1][1]
    parts = {0: table.labels}
    if one_sided:
        parts |= {1: table.lower_bounds, -1: table.upper_bounds}
    known = [
        (*each, side)
        for side, part in parts.items()
        for each in zip(*part.tocoo().coords, part.tocoo().data, strict=True)
    ]
    loss, rows = 0, set()
    for row, task, label, side in known:
        if (task, table.folds[row]) not in fit.allocation.cells:
            continue
        rows.add(row)
        factor = fit.task_weights[task] * (
            1 if table.example_weights is None else table.example_weights[row]
        )
        z = output[row, task]
        if table.kinds[task] == "binary":
            part = -torch.nn.functional.logsigmoid(z if label else -z)
        else:
            error = z - (float(label) - problem.shift[task]) / problem.scale[task]
            # Of what is above a value, too high a prediction costs nothing.
            part = {0: error, 1: error.clamp(max=0), -1: error.clamp(min=0)}[side] ** 2
        loss = loss + factor * part
    (loss / len(rows)).backward()
    return [(weight.grad.numpy(), bias.grad.numpy()) for weight, bias in weights]


@pytest.mark.parametrize("hidden", [[20], [70, 33]])
@pytest.mark.parametrize(
    "changes", [{}, {"weight_decay": 0.02}, {"patience": 1, "epochs": 8}, {"balance": 0.5}]
)
@pytest.mark.parametrize("ones", [True, False])
def test_engines_agree_over_whole_trainings(hidden, changes, ones):
    table = make_table(seed=3, ones=ones, weights=True)
    model = make_model(hidden=hidden, **changes)
    fits = [*make_fits(), replace(make_fits(seed=1)[0], task_weights=(1.0, 5.0, 1.0, 0.2, 1.0))]
    compiled, by_torch = (engine.train(table, fits, model) for engine in (COMPILED, TORCH))
    for mine, theirs in zip(compiled, by_torch, strict=True):
        assert mine.n_epochs == theirs.n_epochs
        np.testing.assert_allclose(scores_of(mine), scores_of(theirs), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("engine", [COMPILED, TORCH], ids=["compiled", "torch"])
def test_full_balance_weighs_tasks_alike(engine):
    table, fit = make_table(seed=3), make_fits()[0]
    n = fit.allocation.counts(table.label_counts)[list(fit.members)].astype(float)
    assert np.ptp(n) > 0
    weighted = replace(fit, task_weights=tuple(n.sum() / (n.size * n)))
    balanced = engine.train(table, [fit], make_model(balance=1.0))[0]
    by_hand, plain = engine.train(table, [weighted, fit], make_model())
    np.testing.assert_allclose(scores_of(balanced), scores_of(by_hand), rtol=1e-9)
    assert not np.allclose(scores_of(balanced), scores_of(plain), rtol=1e-3)


def test_a_balance_of_0_leaves_fits_what_they_were():
    assert "balance" not in make_model().identity()
    assert make_model(balance=0.5).identity()["balance"] == 0.5


def test_decay_falls_with_the_root_of_the_labels_and_is_part_of_a_fit_s_identity():
    decays = [make_model(weight_decay=10).decay(n) for n in (30, 100, 1000, 4000)]
    np.testing.assert_allclose(decays, [31.6228, 31.6228, 10, 5], rtol=1e-5)
    assert make_model(weight_decay=10).identity()["decay"] == "root of labels"
    assert "decay" not in make_model(weight_decay=0).identity()


@pytest.mark.parametrize("engine", [COMPILED, TORCH], ids=["compiled", "torch"])
@pytest.mark.parametrize("place", [0, 1])  # all tasks, one task
def test_weights_without_a_gradient_shrink_by_the_decay_of_the_fit_s_labels(engine, place):
    table = make_table(seed=3)
    kept = np.arange(table.n_features) % 3 > 0
    features = csr_array(table.features.multiply(kept[None, :]), dtype=np.float32)
    features.eliminate_zeros()
    table = replace(table, features=features)
    fit, model = make_fits()[place], make_model(weight_decay=10, epochs=3, decay_epochs=[2])
    first = initial_layers(model.hidden, table.n_features, fit.seed, np.float64)[0].weight
    trained = engine.train_weights(table, fit, model).hidden[0].weight
    problem = Problem.of(table, fit)
    n_rows = problem.train.rows.size
    n_steps = -(-n_rows // model.batch_size(n_rows))
    assert n_steps > 1
    decay = model.decay(int(fit.allocation.counts(table.label_counts).sum()))
    left = np.prod([(1 - model.rate(epoch) * decay) ** n_steps for epoch in range(model.epochs)])
    np.testing.assert_allclose(trained[~kept], first[~kept] * left, rtol=1e-9)
    assert (np.abs(trained[kept] / (first[kept] * left) - 1) > 1e-3).mean() > 0.9


def test_float32_scores_are_close_to_float64(mixed):
    model, fits = make_model(epochs=10), make_fits()
    single, double = (CompiledEngine(kind).train(mixed, fits, model) for kind in "fd")
    for one, other in zip(single, double, strict=True):
        np.testing.assert_allclose(scores_of(one), scores_of(other), rtol=2e-2, atol=2e-3)


def test_exported_weights_agree_and_predict_what_was_scored(mixed):
    fit, model = make_fits()[0], make_model(hidden=[70, 33])
    mine, theirs = (engine.train_weights(mixed, fit, model) for engine in (COMPILED, TORCH))
    for one, other in zip([*mine.hidden, mine.heads], [*theirs.hidden, theirs.heads], strict=True):
        np.testing.assert_allclose(one.weight, other.weight, atol=1e-12)
        np.testing.assert_allclose(one.bias, other.bias, atol=1e-12)
    predicted = mine.outputs(mixed.features)
    rows = np.isin(mixed.folds, fit.folds.test)
    dense = mixed.labels.toarray()
    for member in (1, 2):
        known = rows & (np.diff(mixed.labels.indptr) > 0) & is_known(mixed, member)
        auroc = roc_auc_score(dense[known, member], predicted[known, member])
        outcome = COMPILED.train(mixed, [fit], model)[0]
        assert outcome.test[member, list(SCORES).index("auroc")] == pytest.approx(auroc, abs=1e-12)


def is_known(table, task):
    known = np.zeros(table.n_examples, dtype=bool)
    row = np.repeat(np.arange(table.n_examples), np.diff(table.labels.indptr))
    known[row[table.labels.indices == task]] = True
    return known


@pytest.mark.parametrize("engine", [CompiledEngine(), TorchEngine()], ids=["compiled", "torch"])
def test_it_learns(engine):
    table = make_table(seed=5, n=1500)
    outcome = engine.train(table, make_fits()[:1], make_model(epochs=25, hidden=[32]))[0]
    assert outcome.test[1:, list(SCORES).index("auroc")].min() > 0.8
    assert outcome.test[0, list(SCORES).index("r2")] > 0.4
    applies = np.isfinite(outcome.test)
    for member, kind in enumerate(table.kinds):
        assert applies[member].tolist() == [kind in score.kinds for score in SCORES.values()]


def test_compiled_results_do_not_depend_on_batching_or_order(mixed):
    engine, model, fits = CompiledEngine(), make_model(), make_fits()
    together = engine.train(mixed, fits, model)
    backwards = engine.train(mixed, fits[::-1], model)[::-1]
    for fit, one, other in zip(fits, together, backwards, strict=True):
        assert_same_bits(one, other)
        assert_same_bits(one, engine.train(mixed, [fit], model)[0])


def test_a_batched_fit_is_not_changed_by_its_neighbours(mixed):
    model, fits = make_model(hidden=[20, 7]), make_fits()
    for fit, outcome in zip(fits, TORCH.train(mixed, fits, model), strict=True):
        alone = TORCH.train(mixed, [fit], model)[0]
        np.testing.assert_allclose(scores_of(outcome), scores_of(alone), atol=1e-12)


def test_what_comes_after_an_early_stop_fails_no_fit(mixed, monkeypatch):
    model, fits = (
        make_model(epochs=30, patience=1, learning_rate=0.05, decay_epochs=[]),
        make_fits(),
    )
    alone = [TORCH.train(mixed, [fit], model)[0] for fit in fits]
    n_epochs = [outcome.n_epochs for outcome in alone]
    first, last = np.argmin(n_epochs), np.argmax(n_epochs)
    assert n_epochs[first] < n_epochs[last]

    def late(loss, epoch):
        if epoch > n_epochs[first]:
            raise FitError("too late")

    monkeypatch.setattr("cotrain.training.network._torch.check_loss", late)
    together = TORCH.train(mixed, fits, model)
    np.testing.assert_allclose(scores_of(together[first]), scores_of(alone[first]), atol=1e-12)
    assert together[last] == FitFailure("too late")


def test_initial_weights_are_shared_wherever_allocations_agree(mixed):
    all_tasks, two = make_fits()[0], make_fits()[-1]
    still = make_model(learning_rate=1e-30)
    one, other = (COMPILED.train_weights(mixed, fit, still) for fit in (all_tasks, two))
    np.testing.assert_array_equal(one.hidden[0].weight, other.hidden[0].weight)
    np.testing.assert_array_equal(one.heads.weight[:, [0, 3]], other.heads.weight)


def test_a_seed_changes_the_result(mixed):
    model = make_model()
    one, other = (CompiledEngine().train(mixed, make_fits(seed=s)[:1], model)[0] for s in (0, 1))
    assert not np.allclose(scores_of(one)[1, 0], scores_of(other)[1, 0])


def test_early_stopping_keeps_the_best_epoch(mixed):
    fit, log_loss = make_fits()[1 + 1], list(SCORES).index("log_loss")
    model = make_model(epochs=30, learning_rate=0.05, decay_epochs=[])
    stopped = COMPILED.train(mixed, [fit], model.model_copy(update={"patience": 3}))[0]
    by_epoch = [
        COMPILED.train(mixed, [fit], model.model_copy(update={"epochs": n}))[0]
        for n in range(1, stopped.n_epochs + 4)
    ]
    losses = [outcome.validation[0, log_loss] for outcome in by_epoch]
    assert int(np.argmin(losses)) + 1 == stopped.n_epochs < 30
    assert_same_bits(stopped, by_epoch[stopped.n_epochs - 1])


def test_real_labels_are_scored_on_their_own_scale(mixed):
    fit = make_fits()[1]
    outcome = COMPILED.train(mixed, [fit], make_model(epochs=20))[0]
    rows = np.isin(mixed.folds, fit.folds.test) & is_known(mixed, 0)
    truth = mixed.labels.toarray()[rows, 0]
    mse, r2 = (outcome.test[0, list(SCORES).index(score)] for score in ("mse", "r2"))
    assert mse / truth.var() == pytest.approx(1 - r2)


def one_class(table):
    """The table with the labels of task 1 all 1."""
    data = table.labels.data.copy()
    data[table.labels.indices == 1] = 1.0
    labels = table.labels.copy()
    labels.data = data
    return replace(table, labels=labels)


USUAL = FoldUse((0, 1), (2, 3), (4,))


def fit_of(cells, folds=USUAL):
    return Fit(Allocation(5, 5, frozenset(cells)), folds, 0, "subset", 0, 1)


@pytest.mark.parametrize("engine", [CompiledEngine(), TorchEngine()], ids=["compiled", "torch"])
class TestFailures:
    def fails(self, engine, table, fit, reason, **changes):
        """The fit fails for `reason`, and its neighbour does not."""
        good = make_fits()[0]
        failed, fine = engine.train(table, [fit, good], make_model(**changes))
        assert isinstance(failed, FitFailure)
        assert reason in failed.reason
        assert "\n" not in failed.reason
        scores_of(fine)

    def test_no_label(self, engine):
        table = make_table()
        empty = table.labels.copy()
        keep = empty.indices != 2
        start = np.concatenate([[0], np.cumsum(keep)])[empty.indptr]
        labels = type(empty)((empty.data[keep], empty.indices[keep], start), shape=empty.shape)
        self.fails(engine, replace(table, labels=labels), fit_of({(2, 0)}), "no training label")

    def test_one_class(self, engine, mixed):
        fit = fit_of({(1, 0)})
        self.fails(engine, one_class(mixed), fit, "only one class among the training labels of")

    def test_one_class_beside_a_task_with_two_is_trained_and_has_no_auroc(self, engine, mixed):
        outcome = engine.train(one_class(mixed), [fit_of({(1, 0), (2, 0)})], make_model())[0]
        auroc = outcome.validation[:, list(SCORES).index("auroc")]
        assert np.isfinite(auroc).tolist() == [False, True]

    def test_label_that_is_not_a_number(self, engine):
        table = make_table()
        bad = np.repeat(np.arange(300), np.diff(table.labels.indptr))
        at = np.flatnonzero((table.labels.indices == 0) & (table.folds[bad] == 2))[0]
        table.labels.data[at] = np.nan  # after the table's own check
        fit = fit_of({(0, 2)}, FoldUse((2,), (0,), (4,)))
        self.fails(engine, table, fit, "`task0` is not a finite number")

    def test_diverging(self, engine):
        table = make_table(real=(0,))
        table.features.data[:] = 1e30
        outcome = engine.train(table, make_fits()[:1], make_model(learning_rate=1e30))[0]
        assert isinstance(outcome, FitFailure)
        assert "loss is not finite in epoch" in outcome.reason

    def test_early_stopping_without_validation_labels(self, engine, mixed):
        fit = fit_of({(0, 0)}, FoldUse((0, 1), (), (4,)))
        self.fails(engine, mixed, fit, "early stopping needs validation labels", patience=2)

    def test_out_of_memory(self, engine, mixed, monkeypatch):
        def exhausted(*args):
            raise MemoryError

        module = "_torch" if isinstance(engine, TorchEngine) else "_compiled"
        monkeypatch.setattr(f"cotrain.training.network.{module}.initial_heads", exhausted)
        outcome = engine.train(mixed, make_fits()[:1], make_model())[0]
        assert "out of memory" in outcome.reason


def test_a_member_without_training_labels_has_no_scores(mixed):
    keep = ~(
        (mixed.labels.indices == 2) & (np.repeat(mixed.folds, np.diff(mixed.labels.indptr)) == 0)
    )
    start = np.concatenate([[0], np.cumsum(keep)])[mixed.labels.indptr]
    parts = (mixed.labels.data[keep], mixed.labels.indices[keep], start)
    thinned = replace(mixed, labels=type(mixed.labels)(parts, shape=mixed.labels.shape))
    outcome = COMPILED.train(thinned, [fit_of({(1, 0), (2, 0)})], make_model())[0]
    assert outcome.n_labels[1] == 0
    assert np.isnan(outcome.test[1]).all()
    assert np.isfinite(outcome.test[0]).any()


def test_the_network_trains_by_the_engine_that_the_settings_name(mixed):
    fit = make_fits()[0]
    for name, engine in (("compiled", CompiledEngine()), ("torch", TorchEngine("cpu"))):
        model = make_model(engine=name)
        (outcome,) = make_learner(model).evaluate(mixed, [fit])
        assert_same_bits(outcome, engine.train(mixed, [fit], model)[0])


@pytest.mark.parametrize("loss", ["huber", "absolute"])
def test_engines_agree_on_robust_losses_and_base_rates(mixed, loss):
    model = make_model(loss=loss, head_bias="base_rate")
    compiled, by_torch = (engine.train(mixed, make_fits(), model) for engine in (COMPILED, TORCH))
    plain = COMPILED.train(mixed, make_fits(), make_model())
    for mine, theirs, other in zip(compiled, by_torch, plain, strict=True):
        np.testing.assert_allclose(scores_of(mine), scores_of(theirs), rtol=1e-9, atol=1e-9)
        assert not np.array_equal(scores_of(mine), scores_of(other), equal_nan=True)


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_engines_agree_on_bounds(loss):
    table, fits = bounded(make_table(seed=3, ones=False, weights=True)), make_fits()
    model = make_model(loss=loss, bounds="one_sided")
    compiled, by_torch = (engine.train(table, fits, model) for engine in (COMPILED, TORCH))
    without = COMPILED.train(table, fits, make_model(loss=loss))
    for fit, mine, theirs, other in zip(fits, compiled, by_torch, without, strict=True):
        np.testing.assert_allclose(scores_of(mine), scores_of(theirs), rtol=1e-9, atol=1e-9)
        same = np.array_equal(scores_of(mine), scores_of(other), equal_nan=True)
        assert same == (0 not in fit.members)  # the only task of values


def test_bounds_teach_what_labels_cut_off_do_not():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 8)).astype(np.float32)
    truth = features @ rng.normal(size=(8, 2)).astype(np.float32)
    train = np.arange(600) % 6 < 4
    cut = train[:, None] & (truth > 0)  # an assay that ends at 0: two of five values at hand
    table = TaskTable(
        features=features,
        labels=csr_array(np.where(cut, 0, truth).astype(np.float32)),
        folds=np.arange(600) % 6,
        tasks=("a", "b"),
        kinds=("real", "real"),
        examples=tuple(map(str, range(600))),
        n_folds=6,
        lower_bounds=csr_array(np.where(cut, np.float32(1e-6), 0)),
    )
    folds = FoldUse((0, 1, 2, 3), (4,), (5,))
    fit = subset_fit(2, range(2), 4, Rotation(0, folds, 0))
    error = {}
    for bounds in ("leave_out", "one_sided"):
        model = make_model(hidden=[32], epochs=40, dropout=0.0, learning_rate=0.01, bounds=bounds)
        trained = COMPILED.train_weights(table, fit, model)
        high = truth[~train] > 0
        off = trained.outputs(features[~train]) - truth[~train]
        error[bounds] = np.mean(off[high] ** 2)
    assert error["one_sided"] < 0.7 * error["leave_out"]


def test_without_one_sided_bounds_a_fit_keeps_its_identity():
    plain, asked = make_model(), make_model(bounds="one_sided")
    assert "bounds" not in plain.identity()
    assert asked.identity()["bounds"] == "one_sided"


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_a_checkpoint_is_the_fit_on_its_way(mixed, engine):
    fit = make_fits()[0]
    long = make_learner(make_model(engine=engine, epochs=4, decay_epochs=[1]))
    stops = long.checkpoints()
    assert list(stops) == ["epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    patient = make_model(engine=engine, epochs=4, decay_epochs=[1], patience=4)
    (best,) = make_learner(patient).evaluate(mixed, [fit])
    (again,) = stops[f"epoch {best.n_epochs}"].evaluate(mixed, [fit])
    assert_same_bits(best, again)


def test_an_untrained_head_says_the_base_rate(mixed):
    problem = Problem.of(mixed, make_fits()[0])
    shares = expit(initial_heads(problem, 8, 0, np.float64, base_rate=True).bias)
    for member in range(1, 5):
        labels = problem.train.truth[problem.train.member == member]
        assert shares[member] == pytest.approx((labels.sum() + 0.5) / (labels.size + 1))
    assert shares[0] == 0.5  # a real-valued task, standardised


def test_a_placebo_keeps_counts_and_permutes_labels_alike_in_every_fit(mixed):
    together, *singles, _ = make_fits()
    plain, placebo = (Problem.of(mixed, replace(together, placebo=seed)) for seed in (None, 3))
    assert (plain.train.truth != placebo.train.truth).any()
    np.testing.assert_array_equal(plain.test.truth, placebo.test.truth)
    np.testing.assert_array_equal(plain.base_logits(), placebo.base_logits())
    for task, single in enumerate(singles):
        alone = Problem.of(mixed, replace(single, placebo=3)).train.truth
        np.testing.assert_array_equal(alone, placebo.train.truth[placebo.train.member == task])


def test_scores_follow_from_the_predictions_that_are_kept(mixed):
    for fit in make_fits():
        outcome = COMPILED.train(mixed, [fit], make_model())[0]
        problem, kept = Problem.of(mixed, fit), outcome.predictions
        again = fit_result(problem, kept.validation, kept.test)
        np.testing.assert_allclose(scores_of(again), scores_of(outcome), rtol=1e-4, atol=1e-4)
