import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import spearmanr
from sklearn.base import clone

from cotrain.curves import TransferModel
from cotrain.curves._shrinkage import (
    Shrinkage,
    _block_spread,
    first_population,
    spread_of,
    target_prior,
)
from cotrain.curves._transfer_core import (
    TargetData,
    TargetFit,
    expected_score,
    first_guess,
    fit_target,
    score_gradient,
)
from lab.transfer_intervals import parameter_intervals, score_intervals

K = 6
QUICK = {"strengths": (0.5,), "ranks": (0,), "random_state": 0}


@pytest.fixture(scope="module")
def study() -> dict[str, np.ndarray]:
    """Single, level, augmentation and subset fits of six tasks in three repeats."""
    rng = np.random.default_rng(0)
    size = rng.uniform(60, 200, K)
    own = 1 / (3 * size)
    rates = rng.normal(0.15, 0.2, (K, K))
    discounts = own[:, None] * rates * size[:, None] / size
    discounts[np.arange(K), np.arange(K)] = own
    c, b = rng.normal(0.88, 0.03, K), rng.normal(-1.2, 0.2, K)
    counts, blocks = [], []
    for repeat in range(3):
        folds = rng.poisson(size, (4, K)).astype(float)
        for level in (1, 2, 3):
            base = folds[:level].sum(axis=0)
            rows = [base, *(base * (np.arange(K) == i) for i in range(K))]
            rows += [base + folds[level] * (np.arange(K) == j) for j in range(K)]
            rows += [base * (rng.random(K) < 0.5) for _ in range(15)]
            counts += rows
            blocks += [repeat] * len(rows)
    N, blocks = np.array(counts), np.array(blocks)
    truth = c - np.exp(b - N @ discounts.T)
    Y = truth + rng.normal(0, 0.004, truth.shape) + rng.normal(0, 0.01, (3, K))[blocks]
    Y[N == 0] = np.nan
    return {
        "N": N, "Y": Y, "blocks": blocks, "truth": truth, "discounts": discounts, "c": c,
    }  # fmt: skip


@pytest.fixture(scope="module")
def model(study) -> TransferModel:
    return TransferModel(random_state=0).fit(study["N"], study["Y"], study["blocks"])


def covered(interval: np.ndarray, truth: np.ndarray) -> float:
    return float(((interval[..., 0] <= truth) & (truth <= interval[..., 1])).mean())


def test_planted_exchange_rates_are_recovered_within_their_intervals(study, model):
    off = ~np.eye(K, dtype=bool)
    rates = study["discounts"] / np.diag(study["discounts"])[:, None]
    assert spearmanr(model.exchange_rates_[off], rates[off]).statistic > 0.95
    interval, rate_ends = parameter_intervals(model), model.exchange_rate_intervals()
    assert covered(rate_ends[off], rates[off]) >= 0.9
    assert covered(interval.discounts, study["discounts"]) >= 0.85
    assert covered(interval.asymptotes, study["c"]) >= 0.8
    assert np.median(np.ptp(rate_ends[off], axis=1)) < 0.3


def test_the_diagonal_of_exchange_rates_is_one(model):
    assert np.diag(model.exchange_rates_) == pytest.approx(1.0)
    own = np.arange(K)
    assert model.exchange_rate_intervals()[own, own] == pytest.approx(1.0)


def test_predictions_are_the_formula(study, model):
    N = study["N"][:5]
    by_hand = [
        [
            model.asymptotes_[i]
            - np.exp(model.applicabilities_[i] - sum(model.discounts_[i] * counts))
            for i in range(K)
        ]
        for counts in N
    ]
    assert model.predict(N) == pytest.approx(np.array(by_hand))


def test_unseen_allocations_are_predicted_better_than_by_each_tasks_mean(study):
    N, Y, blocks = study["N"], study["Y"], study["blocks"]
    seen = np.arange(len(N)) % 4 > 0
    model = TransferModel(**QUICK).fit(N[seen], Y[seen], blocks[seen])
    known = np.isfinite(Y[~seen])
    error = (model.predict(N[~seen]) - study["truth"][~seen])[known]
    trivial = (np.nanmean(Y[seen], axis=0) - study["truth"][~seen])[known]
    assert np.sqrt(np.mean(error**2)) < 0.012  # the offsets of three repeats alone are 0.006
    assert np.std(error) < 0.4 * np.std(trivial)


def test_the_interval_of_a_new_fit_holds_new_scores(study, model):
    rng = np.random.default_rng(9)
    new = study["truth"] + rng.normal(0, 0.004, study["truth"].shape)
    new += rng.normal(0, 0.01, study["truth"].shape)
    rows = np.isfinite(study["Y"])
    interval = score_intervals(model, study["N"], new_fit=True)
    assert 0.88 <= covered(interval[rows], new[rows]) <= 0.995


def test_noise_and_block_offsets_are_told_apart(model):
    assert model.noise_.mean() == pytest.approx(0.004, rel=0.15)
    assert model.block_sd_ == pytest.approx(0.01, rel=0.5)


def test_the_choice_is_made_by_cross_validation(study, model):
    errors = [choice.error for choice in model.choices_]
    assert errors == sorted(errors)
    assert len({choice.strength for choice in model.choices_}) == 8
    assert {choice.rank for choice in model.choices_} == {0, 1, 2}
    assert min(errors) == pytest.approx(1.0, abs=0.25)  # in units of the noise


def test_strong_shrinkage_draws_a_targets_discounts_together(study):
    N, Y, blocks = study["N"], study["Y"], study["blocks"]
    spread = []
    for strength in (1e-3, 1.0):
        fitted = TransferModel(strengths=(strength,), ranks=(0,)).fit(N, Y, blocks)
        effects = fitted.discounts_ * fitted.scales_
        spread.append(np.nanstd(np.where(np.eye(K), np.nan, effects), axis=1).mean())
    assert spread[0] < 0.01 * spread[1]


def test_shared_directions_are_found_where_there_are_some():
    rng = np.random.default_rng(1)
    n_tasks = 12
    size = np.full(n_tasks, 200.0)
    direction = np.where(np.arange(n_tasks) % 2, 1.0, -1.0)
    alpha = np.outer(direction, direction) * 0.15 + np.eye(n_tasks)
    N = rng.integers(20, 200, (150, n_tasks)) * (rng.random((150, n_tasks)) < 0.6)
    Y = 0.9 - np.exp(-1 - N / size @ alpha.T) + rng.normal(0, 0.01, N.shape)
    Y[N == 0] = np.nan
    model = TransferModel(random_state=0).fit(N, Y)
    assert model.choices_[0].rank >= 1
    shared = model.shrinkage_.directions[0]
    assert abs(np.corrcoef(shared, direction)[0, 1]) > 0.95


def test_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(2)
    x = rng.random((4, 3))
    z = np.array([0.9, -1.0, 0.3, -0.2, 0.1])
    data = TargetData(1, x, np.zeros(4), np.zeros(4, dtype=int), 0)
    for row in range(4):
        numeric = approx_fprime(z, lambda at, r=row: expected_score(at, data)[r], 1e-7)
        assert score_gradient(z, 1, x)[row] == pytest.approx(numeric, abs=1e-5)


def test_one_target_is_where_the_posterior_is_highest(study):
    N, Y = study["N"], study["Y"]
    rows = np.isfinite(Y[:, 0])
    data = TargetData(0, N[rows] / N.max(axis=0), Y[rows, 0], np.zeros(rows.sum(), dtype=int), 0)
    population = first_population([data] * K)
    prior = target_prior(data, population, Shrinkage(0.5, np.empty((0, K))))

    def cost(z: np.ndarray) -> float:
        error = data.y - expected_score(z, data)
        away = z - prior.mean
        return error @ error / prior.variance + away @ prior.precision @ away

    fit = fit_target(data, prior, first_guess(data, prior))
    slope = approx_fprime(fit.z, cost, 1e-6)
    # In units of its own uncertainty, no parameter has anywhere to go.
    assert np.abs(slope * np.sqrt(np.diag(fit.covariance))).max() < 0.05
    assert 2 < len(data.y) - fit.degrees < len(fit.z)


def test_low_rank_precision_is_the_inverse_of_its_covariance(study):
    directions = np.random.default_rng(0).normal(size=(2, K))
    data = TargetData(2, study["N"], study["Y"][:, 2], np.zeros(len(study["N"]), dtype=int), 0)
    other = TargetData(2, study["N"], np.array([0.7, 0.8]), data.block, 0)
    population = first_population([other] * K)
    prior = target_prior(data, population, Shrinkage(0.3, directions))
    off = [2 + j for j in range(K) if j != 2]
    v = np.delete(np.vstack([np.full(K, population.domain[1]), directions]), 2, axis=1)
    covariance = 0.3**2 / (K - 1) * np.eye(K - 1) + v.T @ v
    assert prior.precision[np.ix_(off, off)] @ covariance == pytest.approx(np.eye(K - 1), abs=1e-9)


def test_the_spread_is_that_of_one_more_task_about_the_mean_of_a_few():
    tasks = np.random.default_rng(0).normal(0.3, 2.0, (4000, 5))
    few, one_more = tasks[:, :4], tasks[:, 4]
    found = np.array([spread_of(means, np.zeros(4)) for means in few])
    distance = np.square(one_more - found[:, 0]).mean()
    assert np.square(found[:, 1]).mean() == pytest.approx(distance, rel=0.05)


def test_order_of_rows_and_tasks_does_not_matter(study):
    N, Y, blocks = study["N"], study["Y"], study["blocks"]
    first = TransferModel(**QUICK).fit(N, Y, blocks)
    turn, rows = np.roll(np.arange(K), 2), np.random.default_rng(0).permutation(len(N))
    second = TransferModel(**QUICK).fit(N[rows][:, turn], Y[rows][:, turn], blocks[rows])
    assert second.discounts_ == pytest.approx(first.discounts_[turn][:, turn], rel=1e-2, abs=1e-6)


def test_the_same_seed_gives_the_same_bits(study, model):
    again = clone(model).fit(study["N"], study["Y"], study["blocks"])
    assert np.array_equal(again.discounts_, model.discounts_)
    assert np.array_equal(again.exchange_rate_intervals(), model.exchange_rate_intervals())


def test_a_task_scored_a_few_times_leans_on_the_others_and_says_how_unsure_it_is(study):
    Y = study["Y"].copy()
    Y[np.flatnonzero(np.isfinite(Y[:, 0]))[4:], 0] = np.nan
    model = TransferModel(**QUICK).fit(study["N"], Y, study["blocks"])
    width = np.ptp(parameter_intervals(model).discounts, axis=2) * model.scales_
    assert np.isfinite(model.predict(study["N"])).all()
    assert width[0, 1:].mean() > 2 * width[1:, 1:].mean()


def test_the_ceiling_is_never_exceeded_and_its_hits_are_reported():
    n = np.tile([50.0, 100.0, 200.0], 10)[:, None]
    model = TransferModel(**QUICK).fit(n, 0.2 + 0.003 * n)
    assert model.asymptotes_[0] <= 1.0
    assert score_intervals(model, n * 100).max() <= 1.0
    of_loss = TransferModel(**QUICK).fit(n, 1 - np.exp(-0.01 * n))
    assert of_loss.asymptotes_[0] == pytest.approx(1.0, abs=0.05)


def test_a_task_that_falls_with_its_labels_gets_an_honest_interval(study):
    """Own discounts are positive: a falling curve is a flat one, and its rates are unknown."""
    Y = study["Y"].copy()
    own = study["N"][:, 2]
    Y[:, 2] = np.where(own > 0, 0.8 - 0.0003 * own, np.nan)
    model = TransferModel(**QUICK).fit(study["N"], Y, study["blocks"])
    ends = model.exchange_rate_intervals()
    assert (model.discounts_[2, 2] * model.scales_[2]) < 0.5 * np.median(
        np.diag(model.discounts_) * model.scales_
    )
    assert np.isfinite(ends).all()
    wide = np.ptp(ends, axis=2)
    assert wide[2, [0, 1, 3, 4, 5]].mean() > wide[[0, 1, 3, 4, 5], 2].mean()
    rise = model.predict(study["N"][own > 0])[:, 2]
    assert np.abs(rise - Y[own > 0, 2]).max() < 0.15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda N, Y: (np.where(N > 0, N, np.nan), Y), "negative or unknown"),
        (lambda N, Y: (N, np.where(Y > 0, np.inf, Y)), "finite and at most the ceiling"),
        (lambda N, Y: (N[:, :1], Y), r"shape \(n, 6\)"),
        (lambda N, Y: (-N, Y), "at least 0"),
        (lambda N, Y: (N[:5], Y), "shape of Y"),
        (lambda N, Y: (N, Y + 1), "ceiling 1, got .* for t"),
        (lambda N, Y: (N, np.where(np.arange(6) == 2, np.nan, Y)), "got no score for t2"),
        (lambda N, Y: (np.where(N > 0, 100.0, 0.0), Y), "one level only"),
    ],
)
def test_wrong_observations_are_refused(study, change, message):
    N, Y = change(study["N"], study["Y"])
    with pytest.raises(ValueError, match=message):
        TransferModel().fit(N, Y, tasks=[f"t{i}" for i in range(6)])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strengths": ()}, "strengths must be positive"),
        ({"strengths": (0.0,)}, "strengths must be positive"),
        ({"ranks": (-1,)}, "ranks must be at least 0"),
    ],
)
def test_wrong_parameters_are_refused(study, parameters, message):
    with pytest.raises(ValueError, match=message):
        TransferModel(**parameters).fit(study["N"], study["Y"])


def test_one_block_tells_of_no_offset(study):
    of_one = study["blocks"] == 0
    N, Y = study["N"][of_one], study["Y"][of_one]
    told = TransferModel(**QUICK).fit(N, Y, np.zeros(len(N)))
    assert told.block_sd_ == 0.0
    np.testing.assert_array_equal(told.predict(N), TransferModel(**QUICK).fit(N, Y).predict(N))
    assert np.sqrt(np.nanmean(np.square(told.predict(N) - Y))) < 0.006


def test_offsets_are_measured_by_their_differences():
    rng = np.random.default_rng(0)
    offsets = rng.normal(0, 0.3, (200, 4))
    fits = [
        TargetFit(np.r_[0.8, -1.0, 0.0, 0.0, found + shared], np.zeros((8, 8)), 0.0, 4.0)
        for found, shared in zip(offsets, rng.normal(0, 5.0, 200), strict=True)
    ]
    assert _block_spread(fits, 4) == pytest.approx(0.3, rel=0.1)


def test_offsets_do_not_lift_the_scores_past_the_ceiling():
    """Scores that rise in a straight line ask for a c above the ceiling; offsets must not be it."""
    rng = np.random.default_rng(0)
    N = rng.integers(0, 100, (240, 3))
    blocks = np.repeat(np.arange(4), 60)
    Y = 0.5 + 1e-3 * N + rng.normal(0, 0.002, N.shape) + rng.normal(0, 0.02, (4, 3))[blocks]
    model = TransferModel(**QUICK).fit(N, Y, blocks)
    assert (model.asymptotes_ >= 1.0 - 1e-9).any()
    for fit in model.fits_:
        assert abs(fit.z[-4:].sum()) < 0.01 * model.block_sd_
    assert np.abs((model.predict(N) - Y).mean(axis=0)).max() < 0.01


def test_blocks_may_differ_by_task(study):
    N, Y, blocks = study["N"], study["Y"], study["blocks"]
    by_fit = TransferModel(**QUICK).fit(N, Y, blocks).predict(N)
    by_score = TransferModel(**QUICK).fit(N, Y, np.repeat(blocks[:, None], K, axis=1)).predict(N)
    np.testing.assert_array_equal(by_fit, by_score)
    moved = np.repeat(blocks[:, None], K, axis=1)
    moved[:, 0] = 0
    others = TransferModel(**QUICK).fit(N, Y, moved)
    assert np.abs(others.fits_[0].z[-3:]).max() < 1e-5
    assert np.abs(others.fits_[1].z[-3:]).max() > 1e-3


@pytest.mark.parametrize("shape", [(3,), (252, 2)])
def test_blocks_are_one_for_each_fit(study, shape):
    with pytest.raises(ValueError, match="blocks must have shape"):
        TransferModel(**QUICK).fit(study["N"], study["Y"], np.zeros(shape))


def test_an_unknown_block_is_refused(study):
    values = study["blocks"].astype(float)
    values[7] = np.nan
    with pytest.raises(ValueError, match="blocks must be known, got NaN in row 7"):
        TransferModel(**QUICK).fit(study["N"], study["Y"], values)
