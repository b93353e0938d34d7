"""The first screen: is any model good, what should be trained, what did the placebo say."""

from collections.abc import Sequence
from dataclasses import dataclass

from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._sentences import gain_over
from cotrain.report._words import count, listing, number, score_name, shorten

# What a sentence can show; the page has a list of all groups.
_MOST_GROUPS, _MOST_MEMBERS, _NAME = 8, 5, 30


@dataclass(frozen=True)
class Answer:
    """A question of the first screen, answered in sentences."""

    question: str
    sentences: list[str]


def answers(findings: Findings) -> list[Answer]:
    primary = findings.overview.primary
    first = [Answer(f"Which sources help {_named(primary)}?", _sources(findings))]
    return [
        *(first if primary else []),
        Answer("Is any model here good?", _skill(findings)),
        Answer("What should be trained, and what does it gain?", _recommendation(findings)),
        Answer("What did the placebo say?", _placebo(findings)),
    ]


def _named(tasks: Sequence[str]) -> str:
    more = f" and {len(tasks) - _MOST_MEMBERS} more" if len(tasks) > _MOST_MEMBERS else ""
    return listing([f"“{shorten(name, _NAME)}”" for name in tasks[:_MOST_MEMBERS]]) + more


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
            verdicts.append(f"{said} {_named(rows['source'].tolist()) if len(rows) else 'none'}")
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
        return [
            (
                f"No: nothing was learnt here. Of {of_all}, {n_skilled} look better "
                "than their base rate on validation labels, and no portfolio is clearly better "
                "than predicting each task's base rate. No claim is made about transfer."
            )
        ]
    sentences = [
        (
            f"{n_skilled} of {of_all} are predicted better than their base rate, on "
            "validation labels that no blend was fitted to (false discovery rate 5 %)."
        )
    ]
    if unskilled := skill.loc[skill["skilled"] == 0, "task"].tolist():
        named = listing([f"“{name}”" for name in unskilled[:8]])
        more = f" and {len(unskilled) - 8} more" if len(unskilled) > 8 else ""
        sentences.append(f"Not so, and nothing is claimed of them: {named}{more}.")
    for score in facts.scores_compared(findings)[:2]:
        own = facts.recommended_mean(findings, score)
        others = {rival.grouping: rival.mean for rival in facts.rivals(findings, score)}
        shown = [f"{name} {number(others[name])}" for name in facts.USUAL if name in others]
        base = f"; the base rate has {number(others['base rate'])}" if "base rate" in others else ""
        sentences.append(
            f"On test labels the recommended portfolio has a mean {score_name(score)} of "
            f"{number(own)}{base}. Beside it: {listing(shown)}."
        )
    return sentences


def _recommendation(findings: Findings) -> list[str]:
    portfolios = findings.portfolios
    chosen = portfolios[portfolios["chosen"] > 0].iloc[0]
    if facts.nothing_learnt(findings):
        return ["Nothing: predict the base rate, or find better features or more labels."]
    weights = findings.weights.groupby("role", sort=False)["weight"].mean()
    parts = [f"{name} {number(weight, 2)}" for name, weight in weights.items()]
    blend = f", blended with mean weights {listing(parts)}" if len(parts) > 1 else ""
    trained = facts.n_recommended(findings)
    less = (
        ", less those that its blend gives hardly any weight"
        if trained < chosen["n_models"]
        else ""
    )
    sentences = [
        (
            f"Train “{chosen['portfolio']}”{less}: {count(trained, 'model')}{blend}. It is "
            "the simplest portfolio that is not clearly worse than the best, on validation labels."
        )
    ]
    sentences.append(_groups(findings))
    score = facts.main_score(findings)
    rivals = [one for one in facts.rivals(findings, score) if one.grouping in facts.USUAL]
    gains = [f"{rival.grouping} {gain_over(rival)}" for rival in rivals]
    sentences.append(
        f"What it gains in {score_name(score)} on test labels over what one would do anyway, with "
        f"95 % intervals that count repeats and examples: {listing(gains)}."
    )
    decided = "; ".join(_decided(findings, each) for each in facts.scores_compared(findings)[:2])
    sentences.append(f"Decided of that, corrected for all rivals: {decided}.")
    return sentences


def _decided(findings: Findings, score: str) -> str:
    """Which of the usual rivals the portfolio is better or worse than on test labels."""
    usual = [one for one in facts.rivals(findings, score) if one.grouping in facts.USUAL]
    said = [
        f"{verdict} than {listing(names)}"
        for verdict in ("better", "worse")
        if (names := [rival.grouping for rival in usual if rival.verdict == verdict])
    ]
    return f"by {score_name(score)} {' and '.join(said) or 'none'}"


def _groups(findings: Findings) -> str:
    best = findings.recommendation
    groups = []
    for at, group in enumerate(best.groups[:_MOST_GROUPS]):
        served = [task for task in group if not best.is_auxiliary(at, task)]
        named = [shorten(task, _NAME) for task in served[:_MOST_MEMBERS]]
        more = [f"{len(served) - _MOST_MEMBERS} more"] if len(served) > _MOST_MEMBERS else []
        beside = len(group) - len(served)
        trained = f", trained with {count(beside, 'other')}" if beside else ""
        groups.append(f"({at + 1}) {listing([*named, *more])}{trained}")
    left = len(best.groups) - len(groups)
    rest = f"; and {count(left, 'model')} more" if left else ""
    d2 = findings.portfolios.set_index("portfolio")["d2"]
    outside = not facts.is_grouped(findings) and {"grouping", "ensemble"} <= set(d2.index)
    said = (
        "No grouping is part of it: on validation labels the best by the measured subsets has a D² "
        f"of {number(d2['grouping'])}, as many networks of all tasks {number(d2['ensemble'])}. It"
        if outside
        else "Of groupings, the best by the measured subsets"
    )
    return f"{said} predicts, by one model each, {'; '.join(groups)}{rest}."


def _placebo(findings: Findings) -> list[str]:
    view, relevance = findings.overview, findings.relevance
    withheld = relevance["withheld"].value_counts()
    stands = int(relevance["verdict"].isin(["helps", "hurts"]).sum())
    sentences = []
    if view.placebo_claims is None:
        sentences.append("None was trained (`plan.placebo.n_subsets` is 0).")
    else:
        sentences.append(
            "The same analysis of a copy with permuted labels, where nothing can be learnt, makes "
            f"{count(view.placebo_claims, 'claim')} about pairs of tasks."
        )
    reasons = [
        f"{n} because the placebo shows as much" if why == "placebo" else f"{n} for want of skill"
        for why, n in withheld.items()
        if why
    ]
    because = f"; withheld: {listing(reasons)}" if reasons else ""
    sentences.append(
        f"Of {count(len(relevance), 'ordered pair')}, {stands} have a verdict that stands{because}."
    )
    return sentences
