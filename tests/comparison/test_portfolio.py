"""Which portfolio is recommended, and which tasks have skill; on made outputs."""

import numpy as np
import pytest
from scipy.special import expit

from cotrain.allocation import FoldUse, Rotation
from cotrain.comparison import (
    Candidate,
    Model,
    Outputs,
    Way,
    choose_portfolio,
    make_candidates,
    score_ways,
)
from cotrain.comparison._outputs import column
from cotrain.comparison._portfolio import _Judged

N_TASKS = 6
EVERY = tuple(range(N_TASKS))
GOOD, NOISY, WRONG = (Model(name, EVERY) for name in ("good", "noisy", "wrong"))
HALF = Model("half", (0, 1, 2))


def outputs(seed: int, skill: float = 1.5, n: int = 3000) -> Outputs:
    """Labels that follow from one signal; models that know it, more or less."""
    rng = np.random.default_rng(seed)
    task = rng.integers(0, N_TASKS, n)
    base = np.linspace(-1, 1, N_TASKS)[task]
    signal = skill * rng.normal(size=n)
    by_model = {
        GOOD: base + signal,
        NOISY: base + signal + 2 * rng.normal(size=n),
        WRONG: base + 2 * rng.normal(size=n),
        HALF: np.where(task < 3, base + signal, np.nan),
    }
    return Outputs(
        task=task,
        example=np.arange(n),
        fold=np.zeros(n, dtype=int),
        truth=(rng.random(n) < expit(base + signal)).astype(float),
        base=base,
        scale=np.ones(n),
        is_binary=np.ones(N_TASKS, dtype=bool),
        by_model=by_model,
    )


CANDIDATES = [
    Candidate("base rate", ()),
    Candidate("wrong", (WRONG,)),
    Candidate("noisy", (NOISY,)),
    Candidate("good", (GOOD,)),
    Candidate("all", (GOOD, NOISY, WRONG)),
]


def test_a_difference_of_rounding_does_not_take_the_larger_portfolio():
    lost = np.zeros((3, 50))
    lost[1] = 1e-17 * np.arange(50)
    judged = _Judged(np.array([0.0, 0.3 - 1e-14, 0.3]), lost)
    assert judged.near(np.arange(3)).tolist() == [1, 2]


@pytest.mark.parametrize(("behind", "recommended"), [(0.0005, "simple"), (0.003, "both")])
def test_many_labels_do_not_make_a_hair_s_breadth_worth_a_model(behind, recommended):
    """A simple model is surely behind: by less than a thousandth of D², or by more."""
    rng = np.random.default_rng(0)
    n = 20_000
    truth, noise = rng.normal(size=n), 0.2 * rng.normal(size=n)
    good, simple = Model("good", (0,)), Model("simple", (0,))
    one = Outputs(
        task=np.zeros(n, dtype=int),
        example=np.arange(n),
        fold=np.arange(n) % 2,
        truth=truth,
        base=np.zeros(n),
        scale=np.ones(n),
        is_binary=np.zeros(1, dtype=bool),
        by_model={
            good: truth + noise,
            simple: truth + noise + np.sqrt(behind) * rng.normal(size=n),
        },
    )
    candidates = [
        Candidate("base rate", ()),
        Candidate("simple", (simple,)),
        Candidate("both", (good, simple)),
    ]
    choice = choose_portfolio(candidates, [one], 0)
    assert choice.deficit[1] == pytest.approx(behind, rel=0.2)
    assert choice.deficit[1] > 5 * choice.error[1]
    assert choice.recommended.name == recommended


@pytest.mark.parametrize("best", [0.9, 1e-4, 1e-8, -0.1])
def test_what_is_negligible_is_a_share_of_the_best_and_never_makes_a_base_rate_as_good(best):
    lost = np.zeros((3, 50))  # each difference is sure
    judged = _Judged(np.array([min(0.0, 2 * best), best - 0.0009 * abs(best), best]), lost)
    # Of what is worse than the base rate nothing is simpler by so much.
    assert judged.near(np.arange(3)).tolist() == ([1, 2] if best > 0 else [2])


def test_the_simplest_that_is_not_clearly_worse_is_recommended():
    choice = choose_portfolio(CANDIDATES, [outputs(seed) for seed in range(3)], 0)
    assert choice.recommended.name == "good"
    assert choice.deficit[0] > choice.deficit[2] > choice.deficit[3] >= 0
    assert choice.skilled().all()


def test_the_worst_task_can_be_what_is_chosen_by():
    """Candidate "most" knows all tasks but one, on which it is wrong; "noisy" knows each a bit."""
    repeats = [outputs(seed) for seed in range(3)]
    most = Model("most", EVERY)
    for one in repeats:
        one.by_model[most] = np.where(one.task == 2, one.by_model[WRONG], one.by_model[GOOD])
    candidates = [Candidate("most", (most,)), Candidate("noisy", (NOISY,))]
    assert choose_portfolio(candidates, repeats, 0).recommended.name == "most"
    chosen = choose_portfolio(candidates, repeats, 0, objective="worst")
    assert chosen.recommended.name == "noisy"
    assert chosen.deficit[1] == 0 < chosen.deficit[0]


@pytest.mark.parametrize("seed", range(6))
def test_a_worst_task_that_nothing_helps_costs_the_others_nothing(seed):
    """On task 2 a model guesses; it knows the others."""
    repeats = [outputs(100 * seed + repeat) for repeat in range(3)]
    guesses = Model("guesses", EVERY)
    rng = np.random.default_rng(seed)
    for one in repeats:
        guess = one.base + rng.normal(size=one.base.size)
        one.by_model[guesses] = np.where(one.task == 2, guess, one.by_model[GOOD])
    candidates = [Candidate("base rate", ()), Candidate("guesses", (guesses,))]
    choice = choose_portfolio(candidates, repeats, 0, objective="worst")
    assert choice.recommended.name == "guesses"
    np.testing.assert_array_equal(choice.skilled(), np.arange(choice.skill.size) != 2)


def test_values_that_are_nearly_alike_do_not_decide_for_all_tasks():
    """The good model is off by a tenth where the last task's validation labels differ by less."""
    rng = np.random.default_rng(0)
    task = np.repeat(EVERY, 40)
    last = task == N_TASKS - 1
    truth = np.where(last, 0.001 * rng.normal(size=task.size), rng.normal(size=task.size))
    good = np.where(last, 0.1, truth + 0.3 * rng.normal(size=task.size))
    one = Outputs(
        task=task,
        example=np.arange(task.size),
        fold=np.arange(task.size) % 2,
        truth=truth,
        base=np.zeros(task.size),
        scale=np.ones(task.size),
        is_binary=np.zeros(N_TASKS, dtype=bool),
        by_model={GOOD: good, NOISY: 0.2 * truth},
    )
    candidates = [Candidate("base rate", ()), Candidate("noisy", (NOISY,)), CANDIDATES[3]]
    choice = choose_portfolio(candidates, [one], 0)
    assert choice.recommended.name == "good"
    assert choice.d2[0, 0] == pytest.approx(np.zeros(N_TASKS))
    assert (choice.d2 <= 1).all()
    assert choice.d2.min() > -0.1  # R² of the last task is below -1,000


def test_models_without_weight_are_left_out_of_what_is_recommended():
    repeats = [outputs(seed) for seed in range(3)]
    every = Candidate("all", (WRONG, GOOD, NOISY))
    left = every.pruned(repeats, 0)
    assert left == Candidate("good", (GOOD,))
    assert left.pruned(repeats, 0) == left
    nothing = Candidate("wrong", (WRONG,))
    assert nothing.pruned(repeats, 0) == nothing


def test_a_model_that_one_task_needs_is_not_left_out():
    repeats = [outputs(seed, n=9000) for seed in range(3)]
    other = Model("other", EVERY)
    for one in repeats:
        one.by_model[other] = np.where(one.task == 2, one.by_model[GOOD], one.by_model[WRONG])
        one.by_model[GOOD] = np.where(one.task == 2, one.by_model[WRONG], one.by_model[GOOD])
    both = Candidate("both", (GOOD, other))
    assert both.pruned(repeats, 0) == both


def test_a_model_of_one_task_does_not_leave_the_others_without_one():
    repeats = [outputs(seed) for seed in range(3)]
    alone, joint = Model("alone", (0,)), Model("joint", EVERY)
    for one in repeats:
        first = one.task == 0
        one.by_model[alone] = np.where(first, one.by_model[GOOD], np.nan)
        one.by_model[joint] = np.where(first, one.by_model[WRONG], one.by_model[GOOD])
    both = Candidate("both", (alone, joint))
    assert both.pruned(repeats, 0) == both


def test_primary_tasks_alone_count():
    repeats = [outputs(seed) for seed in range(3)]
    most = Model("most", EVERY)
    for one in repeats:
        one.by_model[most] = np.where(one.task == 2, one.by_model[WRONG], one.by_model[GOOD])
    candidates = [Candidate("most", (most,)), Candidate("noisy", (NOISY,))]
    assert choose_portfolio(candidates, repeats, 0, primary=[2]).recommended.name == "noisy"
    assert choose_portfolio(candidates, repeats, 0, primary=[3]).recommended.name == "most"


@pytest.mark.parametrize("seed", range(8))
def test_where_nothing_can_be_learnt_the_base_rate_is_recommended(seed):
    repeats = [outputs(1000 * seed + repeat, skill=0.0) for repeat in range(3)]
    choice = choose_portfolio(CANDIDATES[:3], repeats, seed)
    assert choice.recommended.name == "base rate"
    assert choice.skilled().sum() == 0


def test_skill_is_the_share_of_the_base_rate_s_loss_that_is_gone():
    one = outputs(0, n=30000)
    choice = choose_portfolio(CANDIDATES[3:4], [one], 0)
    gone = 1 - one.losses(one.by_model[GOOD]).mean() / one.losses(one.base).mean()
    assert choice.skill.mean() == pytest.approx(gone, abs=0.03)


def test_a_task_is_served_by_its_best_model_and_a_mean_is_over_those_that_hold_it():
    pair = [(outputs(seed), outputs(seed + 10)) for seed in range(2)]
    served = Way("served", (WRONG, HALF), served=True)
    mean = Way("mean", (HALF, GOOD))
    scores = score_ways([served, mean, Way("good", (GOOD,)), Way("wrong", (WRONG,))], pair, 0)
    d2 = {name: one.raw.values[:, :, column("d2")] for name, one in scores.items()}
    np.testing.assert_allclose(d2["served"][:, :3], d2["good"][:, :3])
    np.testing.assert_allclose(d2["served"][:, 3:], d2["wrong"][:, 3:])
    np.testing.assert_allclose(d2["mean"], d2["good"])


def test_of_groups_that_overlap_the_serving_one_predicts_and_the_others_cost_nothing():
    """Groups {0, 1}, {1, 2}, {0, 2}: the last serves no task, and task 1 is not of the second."""
    groups, served_by = ((0, 1), (1, 2), (0, 2)), (0, 0, 1)
    candidates = make_candidates("network", ["forest"], 3, groups, served_by)
    models = {one.name: one.models for one in candidates}
    whole, part = Model("network", (0, 1)), Model("network", (1, 2), serves=(2,))
    assert models["grouping"] == (whole, part)
    assert (whole.predicts, part.predicts) == ((0, 1), (2,))
    assert part.fit(3, 1, Rotation(0, FoldUse((0,), (1,), (2,)), 0)) == Model(
        "network", (1, 2)
    ).fit(3, 1, Rotation(0, FoldUse((0,), (1,), (2,)), 0))


def test_a_group_of_all_tasks_is_no_model_more_beside_the_ensemble():
    groups, served_by = ((0, 1, 2), (1, 2)), (0, 1, 1)
    models = {one.name: one.models for one in make_candidates("network", [], 3, groups, served_by)}
    assert models["grouping"] == (
        Model("network", (0, 1, 2), serves=(0,)),
        Model("network", (1, 2)),
    )
    assert models["ensemble and grouping"] == (*models["ensemble"], Model("network", (1, 2)))


def test_recalibration_mends_overconfidence_and_leaves_ranks_alone():
    pair = [(outputs(0), outputs(1))]
    for one in pair[0]:
        one.by_model[WRONG][:] = one.base + 3 * (one.by_model[GOOD] - one.base)
    found = score_ways([Way("sure", (WRONG,)), Way("good", (GOOD,))], pair, 0)
    at = column("log_loss")
    assert (found["sure"].raw.values[..., at] > found["good"].raw.values[..., at] + 0.1).all()
    np.testing.assert_allclose(
        found["sure"].recalibrated.values[..., at],
        found["good"].recalibrated.values[..., at],
        atol=1e-4,
    )
    np.testing.assert_allclose(
        found["sure"].raw.values[..., column("auroc")],
        found["sure"].recalibrated.values[..., column("auroc")],
    )


def test_the_base_rate_explains_nothing():
    pair = [(outputs(0), outputs(1))]
    d2 = score_ways([Way("base rate", ())], pair, 0)["base rate"].raw.values[..., column("d2")]
    assert (np.abs(d2) < 0.05).all()
