"""A chunk of trials, from all before it: by moves in several streams, or by an Optuna sampler."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import optuna
from joblib import Parallel, delayed
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from cotrain.grouping._decoder import Decoder
from cotrain.grouping._moves import ELITE, Moves
from cotrain.grouping._objective import Grouping, Objective

Sampler = Literal["moves", "nsga2", "tpe", "random"]
SAMPLERS = ("moves", "nsga2", "tpe", "random")
STREAMS = 4
"""Searches by moves side by side; they learn from each other after each chunk."""


@dataclass(frozen=True)
class Trial:
    """A grouping that was tried, and what it is worth."""

    value: float
    groups: Grouping
    warm_start: bool = False


def explore(
    objective: Objective,
    past: Sequence[Trial],
    starts: Sequence[Grouping],
    n_trials: int,
    sampler: Sampler,
    seed: tuple[int, ...],
    workers: int,
) -> list[Trial]:
    """Return `n_trials` trials after those of the past, `starts` first.

    The same arguments give the same trials, whatever the number of workers, and with more of
    `n_trials` the same ones first.
    """
    decoder = Decoder(objective)
    tried = [_try(decoder, start) for start in starts[:n_trials]]
    known, n_left = [*past, *tried], n_trials - len(tried)
    if sampler != "moves":
        return tried + _by_optuna(decoder, known, n_left, _sampler(sampler, seed))
    streams = Parallel(n_jobs=workers)(
        delayed(_by_moves)(objective, known, len(range(at, n_left, STREAMS)), (*seed, at))
        for at in range(STREAMS)
    )
    return tried + [streams[at % STREAMS][at // STREAMS] for at in range(n_left)]


def _try(decoder: Decoder, start: Grouping) -> Trial:
    return Trial(*decoder.decode(decoder.labels(start)), warm_start=True)


def _by_moves(
    objective: Objective, past: Sequence[Trial], n_trials: int, seed: tuple[int, ...]
) -> list[Trial]:
    decoder = Decoder(objective)
    moves = Moves(len(decoder.blocks), objective.most_groups, seed)

    def learn(trial: Trial) -> None:
        moves.learn(tuple(map(int, decoder.labels(trial.groups))), trial.value)

    for trial in _elite(past):
        learn(trial)
    trials = []
    for _ in range(n_trials):
        trials.append(Trial(*decoder.decode(moves.propose())))
        learn(trials[-1])
    return trials


def _elite(past: Sequence[Trial]) -> list[Trial]:
    """The best distinct trials of each number of groups, which is all that `Moves` can keep."""
    ranked = sorted({trial.groups: trial for trial in past}.values(), key=lambda t: -t.value)
    count: dict[int, int] = {}
    kept = []
    for trial in ranked:
        count[len(trial.groups)] = count.get(len(trial.groups), 0) + 1
        if count[len(trial.groups)] <= ELITE:
            kept.append(trial)
    return kept


def _by_optuna(
    decoder: Decoder, past: Sequence[Trial], n_trials: int, sampler: BaseSampler
) -> list[Trial]:
    """Trials of two objectives, number of groups and value, in a study in memory."""
    choices = list(range(decoder.objective.most_groups))
    names = [f"block_{at}" for at in range(len(decoder.blocks))]
    space: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(choices) for name in names
    }
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    for trial in past:
        labels = map(int, decoder.labels(trial.groups))
        study.add_trial(
            optuna.create_trial(
                values=[len(trial.groups), trial.value],
                params=dict(zip(names, labels, strict=True)),
                distributions=space,
            )
        )
    trials: list[Trial] = []

    def score(asked: optuna.Trial) -> tuple[float, float]:
        labels = [asked.suggest_categorical(name, choices) for name in names]
        trials.append(Trial(*decoder.decode(np.array(labels))))
        return len(trials[-1].groups), trials[-1].value

    study.optimize(score, n_trials=n_trials)
    return trials


def _sampler(name: str, seed: tuple[int, ...]) -> BaseSampler:
    number = int(np.random.SeedSequence(seed).generate_state(1)[0])
    if name == "nsga2":
        return NSGAIISampler(seed=number)
    if name == "tpe":
        return TPESampler(seed=number)
    return RandomSampler(seed=number)
