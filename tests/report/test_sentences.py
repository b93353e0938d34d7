import math
import re
from dataclasses import replace

import numpy as np
import pytest

from cotrain.reliability import interval_verdicts
from cotrain.report import _facts as facts
from cotrain.report import _sentences as say
from cotrain.report import summarize
from cotrain.report._heatmaps import Pairs
from cotrain.report._metrics import key_figures
from cotrain.report._sections import labels, sections_of
from cotrain.report._words import estimate, number


@pytest.fixture
def findings(make_tables):
    return make_tables(9).load()


def tables(findings):
    """The tables of the page by their captions, as texts."""
    return {one.caption: one.texts for each in sections_of(findings) for one in each.tables}


@pytest.mark.parametrize(
    ("low", "high", "p_value", "verdict"),
    [
        (0.01, 0.03, 0.01, "better"),
        (-0.03, -0.01, 0.01, "worse"),
        (-0.01, 0.05, 0.01, "undecided"),
        (0.01, 0.03, 0.2, "undecided"),
        (0.01, 0.03, math.nan, "better"),
        (math.nan, math.nan, 0.01, "unknown"),
        (0.0, 0.0, 0.01, "undecided"),
    ],
)
def test_a_comparison_is_decided_by_interval_and_p_value(low, high, p_value, verdict):
    assert facts.verdict(low, high, p_value) == verdict


def test_rivals_of_the_tables_are_listed_with_their_numbers(findings):
    shown = tables(findings)["On test labels, by log loss"].set_index("grouping")
    rows = findings.comparison[findings.comparison["score"] == "log_loss"].set_index("grouping")
    for grouping in ("single-task", "all together", "random"):
        row = rows.loc[grouping]
        value = estimate(row["difference"], row["low"], row["high"])
        assert shown.loc[grouping, "gain over it"] == value
        assert shown.loc[grouping, "mean"] == number(row["mean"])
    assert shown.loc["recommended", "verdict"] == ""


def test_the_strongest_pairs_stand_beside_their_reliability(findings):
    text = say.relevance(findings)
    table = findings.relevance
    best = table.loc[table["relevance"].where(table["verdict"] == "helps").idxmax()]
    reliability = findings.surrogates.set_index("target")["reliability"][best["target"]]
    value = estimate(best["relevance"], best["low"], best["high"])
    assert (
        f"{best['source']} helps {best['target']} (reliability {number(reliability, 2)}) most, {value}"
    ) in text
    for verdict in ("helps", "hurts", "undecided"):
        assert str((table["verdict"] == verdict).sum()) in text


def test_the_search_tells_when_it_had_its_best(findings):
    trials = findings.trials
    text = say.search(findings)
    assert "tried 200 groupings, 4 of them warm starts" in text
    assert text.endswith("it had its best, 0.471, after 121 trials.")
    beaten = findings.recommendation.model_copy(update={"predicted": trials["value"].min() - 0.01})
    text = say.search(replace(findings, recommendation=beaten))
    assert text.endswith("; the exact search found a better one.")
    assert say.search(replace(findings, trials=trials.assign(value=math.nan))) == ""


@pytest.mark.parametrize(
    ("n_unknown", "text"),
    [
        (0, "^$"),
        (1, "^1 ordered pair was never seen together"),
        (71, "^71 ordered pairs were never seen together .* in the mean"),
        (72, "^No gradient affinity is known of any pair"),
    ],
)
def test_what_became_of_unknown_affinities(findings, n_unknown, text):
    best = findings.recommendation.model_copy(update={"n_unknown_affinities": n_unknown})
    said = say.unknown_affinities(replace(findings, recommendation=best))
    assert re.search(text, said)


def test_a_step_that_knows_few_pairs_is_counted_but_not_shown(make_tables):
    findings = make_tables(5, affinity=True).load()
    shown = facts.affinity_steps(findings)
    assert 50 not in shown["step"].tolist()
    assert len(shown) == len(findings.affinity_steps) - 1
    text = say.affinity_steps(findings)
    assert f"by {number(shown['rank_correlation'].median(), 2)} in the median" in text
    assert "at 20 steps" in text
    assert "1 step with a batch too small to know half of the pairs is not shown" in text
    assert say.affinity_steps(replace(findings, affinity_steps=findings.affinity_steps[:0])) == ""


@pytest.mark.parametrize(
    ("share", "text", "is_drawn"),
    [
        (0.0, "No two tasks have labels on the same example.", False),
        (1.0, "All tasks have labels on the same examples.", False),
        (None, "Of 20 ordered pairs of tasks 5.0 % have no example in common; in 25.0 % the", True),
    ],
)
def test_what_tasks_have_in_common_stands_beside_affinity(make_tables, share, text, is_drawn):
    findings = make_tables(5, affinity=True).load()
    shares = [0.0, 0.1, 0.2, 0.25, 0.29, *[0.3] * 15] if share is None else share
    findings = replace(findings, overlap=findings.overlap.assign(share=shares))
    assert say.overlap(findings).startswith(text)
    assert ("examples in common" in Pairs.of(findings).matrices) == is_drawn
    listed = facts.largest_affinities(findings, 3)
    assert listed["affinity"].tolist() == sorted(findings.affinity["affinity"])[:-4:-1]
    key = ["target", "source"]
    shared = findings.overlap.set_index(key)["n_shared"]
    pairs = listed[key].itertuples(index=False)
    assert listed["n_shared"].tolist() == [shared[tuple(pair)] for pair in pairs]


def test_nothing_decided_is_said_so(make_tables):
    findings = make_tables(4, effect=0.0).load()
    assert "No single pair is decided" in say.relevance(findings)
    assert "helps in 0, hurts in 0 and is undecided in 4 of 4 tasks" in say.together(findings)
    assert "No single pair is decided" in summarize(findings)
    assert "so rankings are weak" in say.reliability(findings)


def test_harm_is_told_beside_the_trivial_predictor(findings):
    text = say.negative_transfer(findings)
    rows = findings.negative_transfer.set_index("predictor")
    assert f"F1 {number(rows.loc['surrogate', 'f1'], 2)}" in text
    assert f"calling every subset harmful gets {number(rows.loc['always', 'f1'], 2)}" in text
    usual = f"saying of each task what most subsets do to it gets {number(rows.loc['majority', 'f1'], 2)}"
    assert usual in text


def test_unknown_reliability_is_not_zero(findings):
    unknown = findings.overview.model_copy(update={"reliability": math.nan})
    assert "unknown" in say.reliability(replace(findings, overview=unknown))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"is_optimal": True}, "certified to be the best"),
        ({"is_optimal": False, "gap": 0.0121, "bound": 0.4655}, "at most 1.2 % (bound 0.466)"),
        ({"is_optimal": False, "gap": math.inf}, "no certificate"),
    ],
)
def test_the_certificate_says_what_is_proven(findings, changes, text):
    best = findings.recommendation.model_copy(update=dict(**changes))
    said = say.certificate(replace(findings, recommendation=best))
    assert text in said.replace("\N{NO-BREAK SPACE}", " ")


def test_unknown_verdicts_are_counted_as_such(make_tables):
    findings = make_tables(9, missing=0.3).load()
    n_unknown = (findings.relevance["verdict"] == "unknown").sum()
    assert n_unknown > 0
    assert f"({n_unknown} could not be measured)" in say.relevance(findings)
    assert key_figures(findings)["relevance_unknown"] == n_unknown
    kinds = ("helps", "hurts", "undecided", "unknown")
    assert sum(key_figures(findings)[f"relevance_{kind}"] for kind in kinds) == 72


def test_predictors_of_harm_have_readable_names(findings):
    names = tables(findings)["Foreseeing negative transfer on held-out subsets"]["predictor"]
    assert len(names) == len(set(names)) == 8
    assert not {"prior-random", "cosine", "affinity", "ceiling"} & set(names)


def labelled(make_tables, gains, half):
    """A study in which more labels of the tasks bring these gains, give or take `half`."""
    findings = make_tables(len(gains), labels=True).load()
    gain = np.array(gains)
    changed = {"gain": gain, "low": gain - half, "high": gain + half}
    return replace(findings, next_labels=findings.next_labels.assign(**changed))


def test_the_next_labels_are_told_with_their_rivals(make_tables):
    findings = labelled(make_tables, [0.05, 0.049, 0.02, np.nan], 0.0013)
    text = say.next_labels(findings)
    assert f"100 labels more of {findings.tasks[0]} are expected" in text
    assert f"{estimate(0.05, 0.0487, 0.0513)}, the most of 3 tasks" in text
    assert "1 other task has an interval that reaches into its own" in text
    assert text in summarize(findings)


def test_a_task_to_label_that_no_model_predicts_is_told_so(make_tables):
    findings = labelled(make_tables, [0.05, 0.02, 0.01], 0.0013)
    hint = "(no model predicts it better than its base rate so far)"
    for skilled in (0, 1):
        skill = findings.skill.assign(skilled=skilled)
        assert (hint in say.next_labels(replace(findings, skill=skill))) == (skilled == 0)


def test_no_label_is_advised_where_nothing_was_learnt(make_tables):
    findings = labelled(make_tables, [0.05, 0.04, 0.03], 0.0001)
    portfolios = findings.portfolios.assign(portfolio="base rate")
    told = [
        labels(one, Pairs.of(one)) for one in (findings, replace(findings, portfolios=portfolios))
    ]
    assert [any("100 labels more" in said for said in one.said) for one in told] == [True, False]
    assert not told[1].tables


@pytest.mark.parametrize(
    ("half", "words"),
    [
        (0.0001, "its interval lies above those of all others"),
        (0.02, "2 other tasks have intervals that reach into its own"),
        (0.1, "no task is known to be worth labelling"),
    ],
)
def test_the_order_of_next_labels_is_as_sure_as_their_intervals(make_tables, half, words):
    assert words in say.next_labels(labelled(make_tables, [0.05, 0.04, 0.03], half))


def test_exchange_rates_are_told_by_their_intervals(make_tables):
    findings = make_tables(9, labels=True, missing=0.2).load()
    table = findings.exchange_rates
    text = say.exchange_rates(findings)
    n_unknown = table["exchange_rate"].isna().sum()
    assert f"of 72 ordered pairs ({n_unknown} could not be measured)" in text
    known = table.dropna(subset="exchange_rate")
    verdict = interval_verdicts(known["exchange_rate"], known["low"], known["high"], 0.05)
    n_above, n_below = (verdict == "helps").sum(), (verdict == "hurts").sum()
    assert f"helps in {n_above}, hurts in {n_below} and" in text
    assert 0 < n_above <= (known["low"] > 0).sum()


def test_tasks_that_another_model_serves_stand_apart(make_tables):
    findings = make_tables(9, auxiliary=True).load()
    groups = tables(findings)["The tasks of each model"].set_index("model")
    lent = [at for at, texts in groups.iterrows() if findings.tasks[0] in texts.iloc[1]]
    own = [at for at, texts in groups.iterrows() if findings.tasks[0] in texts.iloc[0]]
    assert len(lent) == len(own) == 1
    assert own == [str(findings.recommendation.served_by[findings.tasks[0]] + 1)]


def test_wins_are_the_corrected_ones_of_the_comparison(findings):
    table = findings.comparison
    row = table[(table["grouping"] == "random") & (table["score"] == "log_loss")].iloc[0]
    at = findings.comparison.index[findings.comparison["grouping"] == "random"]
    findings.comparison.loc[at, ["wins", "loses", "n_tasks"]] = [3, 2, 9]
    one = facts.rivals(findings, "log_loss").set_index("grouping").loc["random"]
    assert one["difference"] == row["difference"]
    shown = tables(findings)["On test labels, by log loss"].set_index("grouping")
    assert shown.loc["random", "tasks won / lost / open"] == "3 / 2 / 4"


def test_the_summary_is_short_and_names_groups_and_rivals(findings):
    text = summarize(findings)
    assert len(text.splitlines()) < 30
    for words in (
        "Train 3 models: the portfolio “ensemble”",
        "reliability",
        "single-task",
        "all together",
    ):
        assert words in text
    gain = facts.rivals(findings, "log_loss").iloc[0]
    assert f"{gain['difference']:+.4f}" in text


def test_without_harm_nothing_is_said_of_foreseeing_it(findings):
    none = findings.negative_transfer.assign(n_harmful=0)
    text = say.negative_transfer(replace(findings, negative_transfer=none))
    assert text.endswith("none was harmful: how well harm is foreseen stays open.")


@pytest.mark.parametrize(
    ("surrogate", "text"),
    [
        ("linear", "The linear surrogate predicts held-out subsets with a Spearman correlation of"),
        ("affinity", "The surrogate that begins from gradient affinities predicts"),
        ("none", "No surrogate predicts held-out subsets better than the mean of the others."),
    ],
)
def test_which_surrogate_predicts_is_said(findings, surrogate, text):
    overview = findings.overview.model_copy(update={"surrogate": surrogate})
    assert text in say.reliability(replace(findings, overview=overview))
