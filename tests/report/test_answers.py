"""The first screen: what it says where models are good, and where nothing was learnt."""

from dataclasses import replace

import pandas as pd
import pytest

from cotrain.report import _facts as facts
from cotrain.report._answers import _decided, answers, summarize
from cotrain.report._words import number, score_name, signed
from cotrain.tables._records import Portfolio, PortfolioModel


def said(findings):
    return {question: str(answer) for question, answer in answers(findings).items()}


@pytest.fixture
def findings(make_tables):
    return make_tables(9).load()


def test_it_names_the_portfolio_its_rivals_and_the_tasks_without_skill(findings):
    text = said(findings)
    first = text["Is any model here good?"]
    n_tasks = len(findings.tasks)
    assert first.startswith(
        f"{n_tasks - 1} of {n_tasks} tasks are predicted better than their base"
    )
    assert f"nothing is claimed of them: “{findings.tasks[0]}”." in first
    second = text["What should be trained, and what does it gain?"]
    assert "Train 3 models: the portfolio “ensemble”." in second
    assert "corrected for all rivals, “ensemble” is " in second  # not the grouping
    score = facts.main_score(findings)
    (row,) = [line.split() for line in second.splitlines() if line.startswith("single-task")]
    rival = facts.compared(findings, score).set_index("grouping").loc["single-task"]
    assert row[1:3] == [f"{rival['n_models']:.0f}", number(rival["mean"])]
    assert row[3] == number(facts.worst_task(findings, "single-task", score)[1])
    assert row[4].startswith(signed(rival["difference"])[:4])
    worst, least = facts.worst_task(findings, facts.RECOMMENDED, score)
    assert f"; its worst task is “{worst}”, with {score_name(score)} {number(least)}." in first
    assert "makes 3 claims" in text["What did the placebo say?"]


def test_it_says_whether_the_groups_are_part_of_what_is_recommended(findings):
    portfolios = findings.portfolios.assign(
        portfolio=["ensemble", "grouping", "all models"], d2=[0.31, 0.29, 0.32]
    )
    question = "What should be trained, and what does it gain?"

    def chosen(members):
        own = portfolios.assign(chosen=[1.0, 0.0, 0.0])
        models = tuple(PortfolioModel(learner="network", members=one, draw=0) for one in members)
        portfolio = findings.portfolio.model_copy(update={"models": models})
        return said(replace(findings, portfolios=own, portfolio=portfolio))[question]

    every = findings.tasks
    outside = "No grouping is part of it: on validation labels the best by the measured subsets,"
    assert outside in chosen((every,))
    assert "has a D² of 0.290, as many networks of all tasks 0.310." in chosen((every,))
    assert outside in chosen((every, every[:1]))
    assert outside not in chosen((every, every[:2]))


def test_one_model_of_all_tasks_is_told_as_no_grouping(findings):
    one = findings.recommendation.model_copy(
        update={"groups": (findings.tasks,), "served_by": dict.fromkeys(findings.tasks, 0)}
    )
    text = said(replace(findings, recommendation=one))
    second = text["What should be trained, and what does it gain?"]
    assert "no grouping is better than one model of all tasks." in second
    assert "by one model each" not in second


def test_primary_tasks_come_first(findings):
    target = findings.tasks[1]
    overview = findings.overview.model_copy(update={"primary": (target,)})
    question, answer = next(iter(answers(replace(findings, overview=overview)).items()))
    assert question == f"Which sources help “{target}”?"
    own = findings.relevance[findings.relevance["target"] == target].set_index("source")
    helped = answer.said[0].split(" and hurt by ")[0]
    for source, verdict in own["verdict"].items():
        assert (f"“{source}”" in helped) == (verdict == "helps")
    assert question not in said(findings)


def test_where_the_base_rate_is_as_good_nothing_is_recommended(findings):
    portfolios = findings.portfolios.assign(chosen=[1.0, 0.0, 0.0])
    nothing = replace(findings, portfolios=portfolios)
    text = said(nothing)
    assert text["Is any model here good?"].startswith("No: nothing was learnt here.")
    assert text["What should be trained, and what does it gain?"].startswith("Nothing:")
    for claim in ("A source that joins", "The scores of subsets have"):
        assert claim in summarize(findings)
        assert claim not in summarize(nothing)


def test_only_a_rival_of_the_same_models_is_called_that(findings):
    table = findings.comparison.copy()
    nothing = ["difference", "low", "high"]
    score, other = facts.scores_compared(findings)[:2]
    # One way is equal by every score, one by ranks alone; the one of the portfolio's name counts
    # as many models, blended otherwise.
    table.loc[table["grouping"] == "random", nothing] = 0.0
    table.loc[(table["grouping"] == "single-task") & (table["score"] == score), nothing] = 0.0
    table.loc[table["grouping"].isin(["recommended", "ensemble"]), "n_models"] = 2
    found = replace(findings, comparison=table)
    verdicts = facts.rivals(found, score).set_index("grouping")["verdict"]
    assert set(verdicts.index[verdicts == "same models"]) == {"random", "ensemble"} & {
        *verdicts.index
    }
    assert verdicts["single-task"] == "undecided"
    text = said(found)["What should be trained, and what does it gain?"]
    assert any(
        line.startswith("single-task") and "0 (equal in every repeat)" in line
        for line in text.splitlines()
    )
    assert facts.rivals(found, other).set_index("grouping")["verdict"]["random"] == "same models"


def test_what_is_decided_is_told_by_each_score(findings):
    table = findings.comparison
    usual = table["grouping"].isin(["forest", "single-task"])
    changed = table.assign(p_value=table["p_value"].where(~usual, 1.0))
    score = facts.main_score(findings)
    mine = (table["score"] == score) & (table["grouping"] == "single-task")
    sure = {"p_value": 0.001, "low": 0.01, "difference": 0.02, "high": 0.03}
    for name, value in sure.items():
        changed[name] = changed[name].mask(mine, value)
    text = _decided(replace(findings, comparison=changed), score)
    assert text.endswith(f" by {score_name(score)}")
    assert "better than " in text
    assert "single-task" in text.split("better than ")[1]
    assert "forest" not in text


def test_every_learner_of_the_study_is_a_rival_on_the_first_screen(findings):
    named = {"single-task": "pooled linear", "random": "affinity"}
    table = findings.comparison.replace({"grouping": named})
    tasks = findings.task_comparison.replace({"grouping": named})
    table.loc[table["grouping"] == "pooled linear", ["low", "difference", "high"]] = (
        0.01,
        0.02,
        0.03,
    )
    table.loc[table["grouping"] == "pooled linear", "p_value"] = 0.001
    found = replace(findings, comparison=table, task_comparison=tasks)
    text = said(found)["What should be trained, and what does it gain?"]
    assert any(line.startswith("pooled linear ") for line in text.splitlines())
    assert "pooled linear" in text.split("better than ")[1]
    assert not any(line.startswith("affinity ") for line in text.splitlines())


@pytest.mark.parametrize(
    ("kind", "of"), [("binary", "weights of log-odds"), ("real", "weights")], ids=["binary", "real"]
)
def test_weights_that_need_not_add_up_to_one_are_those_of_log_odds(make_tables, kind, of):
    findings = make_tables(9, kind=kind).load()
    one = findings.weights.assign(role="forest")
    blended = replace(findings, weights=pd.concat([findings.weights, one], ignore_index=True))
    text = said(blended)["What should be trained, and what does it gain?"]
    assert f", blended with mean {of} " in text


def test_of_groups_that_overlap_each_task_is_said_to_be_predicted_by_one(make_tables):
    findings = make_tables(4).load()
    a, b, c, d = findings.tasks
    learner = findings.portfolio.models[0].learner if findings.portfolio.models else "network"
    groups = [
        {"learner": learner, "members": [a, b, c], "draw": 0, "serves": [a, b]},
        {"learner": learner, "members": [c, d], "draw": 0},
    ]
    portfolio = Portfolio.model_validate(findings.portfolio.model_dump() | {"models": groups})
    found = replace(findings, portfolio=portfolio)
    question = "What should be trained, and what does it gain?"
    assert ", each task predicted by one of them: the portfolio" in said(found)[question]
    groups[1]["members"] = [b, c, d]
    portfolio = Portfolio.model_validate(findings.portfolio.model_dump() | {"models": groups})
    assert "predicted by one" not in said(replace(findings, portfolio=portfolio))[question]
