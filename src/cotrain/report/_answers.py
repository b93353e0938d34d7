"""The first screen: is any model good, what should be trained, what did the placebo say."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._page import Table, texts_of
from cotrain.report._sentences import next_labels, relevance, reliability
from cotrain.report._words import gain_over, number, role_name, score_name
from cotrain.words import count, listing, shorten

# What a sentence can show; the page has a list of all groups.
_MOST_GROUPS, _MOST_MEMBERS, _NAME = 8, 5, 30


@dataclass(frozen=True)
class Answer:
    """Sentences, and a table below them."""

    said: Sequence[str]
    table: Table | None = None

    def __str__(self) -> str:
        return "\n\n".join([" ".join(self.said), *([str(self.table)] if self.table else [])])


def answers(findings: Findings) -> dict[str, Answer]:
    """Return the questions of the first screen, each with its answer."""
    primary = findings.overview.primary
    asked = {
        "Is any model here good?": Answer(_skill(findings)),
        "What should be trained, and what does it gain?": _recommendation(findings),
        "What did the placebo say?": Answer(_placebo(findings)),
    }
    first = {f"Which sources help {_named(primary)}?": Answer(_sources(findings))}
    return first | asked if primary else asked


def summarize(findings: Findings) -> str:
    """Return the main findings as plain text, for the terminal."""
    parts = [f"{question}\n{answer}" for question, answer in answers(findings).items()]
    if not facts.nothing_learnt(findings):
        parts += [say(findings) for say in (relevance, reliability, next_labels)]
    return "\n\n".join(filter(None, parts))


def _named(tasks: Sequence[str], most: int = _MOST_MEMBERS) -> str:
    return listing([f"“{shorten(name, _NAME)}”" for name in tasks], most)


def _sources(findings: Findings) -> list[str]:
    """For each primary task which sources to train it with, and which hurt it."""
    best, sentences = findings.recommendation, []
    for target in findings.overview.primary[:_MOST_GROUPS]:
        if target not in best.served_by:
            continue  # excluded
        own = findings.relevance[findings.relevance["target"] == target]
        verdicts = []
        for verdict, said in (("helps", "helped by"), ("hurts", "hurt by")):
            rows = facts.strongest(own, "relevance", verdict, len(own))
            verdicts.append(f"{said} {_named(rows['source'].tolist()) or 'none'}")
        n_open = count(int((~own["verdict"].isin(["helps", "hurts"])).sum()), "source")
        with_it = [task for task in best.groups[best.served_by[target]] if task != target]
        trained = f"with {_named(with_it)}" if with_it else "alone"
        sentences.append(
            f"“{shorten(target, _NAME)}” is {listing(verdicts)}; of {n_open} it is not decided. "
            f"The measured subsets predict it best trained {trained}."
        )
    return [*sentences, "Means below are over these tasks alone."]


def _skill(findings: Findings) -> list[str]:
    skill = findings.skill
    n_skilled, of_all = int(skill["skilled"].sum()), count(len(skill), "task")
    if facts.nothing_learnt(findings):
        nothing = (
            f"No: nothing was learnt here. Of {of_all}, {n_skilled} look better than their base "
            "rate on validation labels, and no portfolio is clearly better than predicting each "
            "task's base rate. No claim is made about transfer."
        )
        return [nothing]
    skilled = (
        f"{n_skilled} of {of_all} are predicted better than their base rate, on validation labels "
        "that no blend was fitted to (false discovery rate 5 %)."
    )
    sentences = [skilled]
    if unskilled := skill.loc[skill["skilled"] == 0, "task"].tolist():
        named = _named(unskilled, _MOST_GROUPS)
        sentences.append(f"Not so, and nothing is claimed of them: {named}.")
    means = [
        f"a mean {score_name(score)} of {number(facts.recommended_mean(findings, score))}"
        for score in facts.scores_compared(findings)[:2]
    ]
    score = facts.main_score(findings)
    task, worst = facts.worst_task(findings, facts.RECOMMENDED, score)
    least = f"; its worst task is {_named([task])}, with {score_name(score)} {number(worst)}"
    said = f"On test labels the recommended portfolio has {listing(means)}{least if task else ''}."
    return [*sentences, said]


def _recommendation(findings: Findings) -> Answer:
    if facts.nothing_learnt(findings):
        return Answer(["Nothing: predict the base rate, or find better features or more labels."])
    chosen = findings.portfolios[findings.portfolios["chosen"] > 0].iloc[0]
    weights = findings.weights.groupby("role", sort=False)["weight"].mean()
    parts = [f"{role_name(str(name))} {number(weight, 2)}" for name, weight in weights.items()]
    # Weights of log-odds need not add up to 1, and a reader would wonder.
    of = "weights of log-odds" if findings.fold_counts["n_positive"].notna().all() else "weights"
    blend = f", blended with mean {of} {listing(parts)}" if len(parts) > 1 else ""
    if facts.serves_by_one(findings):
        blend = ", each task predicted by one of them"
    n_models = int(facts.compared(findings, facts.main_score(findings))["n_models"].iloc[0])
    fewer = n_models < chosen["n_models"]
    less = ", less what its blend gives hardly any weight" if fewer else ""
    decided = [_decided(findings, each) for each in facts.scores_compared(findings)[:2]]
    name = f"“{chosen['portfolio']}”"
    train = (
        f"Train {count(n_models, 'model')}{blend}: the portfolio {name}{less}. It is the simplest "
        "that is not clearly worse than the best, or by a thousandth of D² at most, on validation "
        "labels."
    )
    tested = f"On test labels, corrected for all rivals, {name} is {'; '.join(decided)}."
    return Answer([train, _groups(findings), tested], _table(findings))


def _table(findings: Findings) -> Table:
    """What is recommended beside what one would do without this study, on test labels."""
    scores = facts.scores_compared(findings)[:2]
    by_score = [facts.compared(findings, score).set_index("grouping") for score in scores]
    wanted = (facts.RECOMMENDED, facts.BASE_RATE, *facts.usual(findings))
    shown = [name for name in wanted if name in by_score[0].index]
    texts = pd.DataFrame({"trained": shown, "models": ""}, dtype=str)
    for score, table in zip(scores, by_score, strict=True):
        rows = table.loc[shown].reset_index()
        texts["models"] = texts_of(rows, "n_models")
        texts[score_name(score)] = texts_of(rows, "mean")
        if score == scores[0]:
            texts["worst task"] = texts_of(rows, "worst_task")
        gains = rows[["difference", "low", "high", "verdict"]].to_numpy()
        texts[f"gain in {score_name(score)}"] = ["", *(gain_over(*each) for each in gains[1:])]
    note = "A gain is the recommended portfolio's, with a 95 % interval over repeats and examples."
    return Table("Recommended, and what one would do anyway", texts, note)


def _decided(findings: Findings, score: str) -> str:
    """Which of the base rate and the usual rivals the portfolio beats or not on test labels."""
    rows = facts.rivals(findings, score)
    usual = rows[rows["grouping"].isin([facts.BASE_RATE, *facts.usual(findings)])]
    said = [
        f"{verdict} than {listing(names)}"
        for verdict in ("better", "worse")
        if (names := usual.loc[usual["verdict"] == verdict, "grouping"].tolist())
    ]
    return f"{' and '.join(said) or 'not told apart from any of them'} by {score_name(score)}"


def _groups(findings: Findings) -> str:
    """The groups that are part of what is recommended, or that none are."""
    best = findings.recommendation
    if len(best.groups) == 1 and len(best.groups[0]) == len(findings.tasks):
        return "By the measured subsets no grouping is better than one model of all tasks."
    d2 = findings.portfolios.set_index("portfolio")["d2"]
    sizes = {len(model.members) for model in findings.portfolio.models}
    is_grouped = bool(sizes - {1, findings.weights["task"].nunique()})
    if not is_grouped and {"grouping", "ensemble"} <= set(d2.index):
        return (
            "No grouping is part of it: on validation labels the best by the measured subsets, of "
            f"{count(len(best.groups), 'model')}, has a D² of {number(d2['grouping'])}, as many "
            f"networks of all tasks {number(d2['ensemble'])}."
        )
    groups = []
    for at, group in enumerate(best.groups):
        served = [task for task in group if not best.is_auxiliary(at, task)]
        beside = len(group) - len(served)
        trained = f", trained with {count(beside, 'other')}" if beside else ""
        groups.append(f"({at + 1}) {_named(served)}{trained}")
    n_models, named = count(len(groups), "model"), listing(groups, _MOST_GROUPS)
    return f"The best grouping by the measured subsets has {n_models}, of {named}."


def _placebo(findings: Findings) -> list[str]:
    view, relevance = findings.overview, findings.relevance
    stands = int(relevance["verdict"].isin(["helps", "hurts"]).sum())
    withheld = relevance["withheld"].value_counts()
    reasons = [
        f"{n} because the placebo shows as much" if why == "placebo" else f"{n} for want of skill"
        for why, n in withheld.items()
        if why
    ]
    because = f"; withheld: {listing(reasons)}" if reasons else ""
    said = "None was trained (`plan.placebo.n_subsets` is 0)."
    if view.placebo_helps is not None and view.placebo_hurts is not None:
        said = (
            "The same analysis of a copy with permuted labels, where nothing can be learnt, makes "
            f"{count(view.placebo_helps + view.placebo_hurts, 'claim')} about pairs of tasks."
        )
    pairs = count(len(relevance), "ordered pair")
    return [said, f"Of {pairs}, {stands} have a verdict that stands{because}."]
