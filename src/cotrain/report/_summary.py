"""The main findings as plain text, for the terminal."""

import math

import pandas as pd

from cotrain.report import _facts as facts
from cotrain.report._facts import Rival, VerdictCounts
from cotrain.report._findings import Findings
from cotrain.report._sentences import auxiliary_sentence, certificate
from cotrain.report._transfer_sentences import next_labels_sentence, reliability_sentence
from cotrain.report._words import (
    count,
    interval,
    interval_decimals,
    number,
    score_name,
    shorten,
    signed,
)

_N_PAIRS = 3
_N_MEMBERS = 6
_NAME = 26


def summarize(findings: Findings) -> str:
    """Return the main findings as short plain text: pairs, reliability, grouping, test, labels."""
    parts = [
        _pairs(findings),
        reliability_sentence(findings),
        _groups(findings),
        _comparison(findings),
        next_labels_sentence(findings),
    ]
    return "\n\n".join(part for part in parts if part)


def _pairs(findings: Findings) -> str:
    table = findings.relevance
    counts = VerdictCounts.of(table["verdict"])
    score = score_name(findings.overview.score)
    unknown = f", {counts.unknown} not measured" if counts.unknown else ""
    lines = [
        (
            f"Which task helps which (gain in {score} when the source joins; {counts.helps} of "
            f"{count(counts.total, 'pair')} help, {counts.hurts} hurt, {counts.undecided} undecided"
            f"{unknown})"
        )
    ]
    for verdict in ("helps", "hurts"):
        rows = facts.strongest(table, "relevance", verdict, _N_PAIRS)
        lines.extend(_pair(row, verdict) for _, row in rows.iterrows())
    if not facts.groups_are_decided(counts):
        lines.append(f"  no pair is decided with {count(findings.overview.n_repeats, 'repeat')}")
    return "\n".join(lines)


def _pair(row: pd.Series, verdict: str) -> str:
    decimals = interval_decimals(row["relevance"], row["low"], row["high"])
    return (
        f"  {shorten(row['source'], _NAME):<{_NAME}} {verdict} "
        f"{shorten(row['target'], _NAME):<{_NAME}} {signed(row['relevance'], decimals):>8}  "
        f"[{interval(row['low'], row['high'], decimals)}]"
    )


def _groups(findings: Findings) -> str:
    best = findings.recommendation
    lines = [
        (
            f"Best grouping: {count(len(best.groups), 'model')}, predicted "
            f"{score_name(best.score)} {number(best.predicted)}, "
            f"{certificate(findings)}"
        )
    ]
    for at, group in enumerate(best.groups):
        names = ", ".join(
            f"({shorten(task, _NAME)})" if best.is_auxiliary(at, task) else shorten(task, _NAME)
            for task in group[:_N_MEMBERS]
        )
        more = f", and {len(group) - _N_MEMBERS} more" if len(group) > _N_MEMBERS else ""
        lines.append(f"  {at + 1}. {names}{more}")
    if key := auxiliary_sentence(findings):
        lines.append(f"  {key}")
    return "\n".join(lines)


def _comparison(findings: Findings) -> str:
    score = facts.main_score(findings)
    mean = facts.recommended_mean(findings, score)
    shown = "unknown" if math.isnan(mean) else number(mean)
    rivals = facts.rivals(findings, score)
    corrected = f", verdicts corrected for {len(rivals)} rivals" if len(rivals) > 1 else ""
    lines = [
        (
            f"Recommended: {facts.chosen_portfolio(findings)}. On test labels it has a mean "
            f"{score_name(score)} of {shown}; its gain over (95 % intervals{corrected})"
        )
    ]
    lines.extend(_rival(rival) for rival in rivals)
    return "\n".join(lines)


def _rival(rival: Rival) -> str:
    decimals = interval_decimals(rival.difference, rival.low, rival.high)
    return (
        f"  {shorten(rival.grouping, _NAME):<{_NAME}} {signed(rival.difference, decimals):>8}  "
        f"[{interval(rival.low, rival.high, decimals)}]  {rival.verdict}"
    )
