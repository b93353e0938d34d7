"""Whether the worst group gains, by people: `python worst.py STUDY [DRAWS]` of a finished study.

People are drawn anew (a bootstrap of the test examples, the same for all ways and repeats), and
models stay as they are. Nothing is trained: predictions are in the journal.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rivals import _line

from cotrain.allocation import Plan
from cotrain.comparison import Contest, Outputs, Phase, make_candidates, make_ways
from cotrain.comparison._evaluate import _output, _serving
from cotrain.stages._repeats import final_repeats, fresh_repeats
from cotrain.stages._sweep import Trainer
from cotrain.stages.validate import places
from cotrain.study import Study
from cotrain.tables import Recommendation

SCORES = ("accuracy", "auroc", "log_loss")
SHOWN = ("recommended", "pooled", "linear", "forest", "single-task", "all together", "grouping")


def outputs_of_ways(study: Study) -> list[tuple[Outputs, dict[str, np.ndarray]]]:
    """For each repeat the test labels, and what each way of `SHOWN` says of them, logits (n,)."""
    settings, trainer = study.settings, Trainer.of(study)
    tasks, network = trainer.table.tasks, settings.plan.learner
    best = Recommendation.of_table(study.grouping, tasks, trainer.data_version)
    found = places(best.groups, tasks)
    others = [name for name in settings.learners if name != network]
    ways = make_ways(network, others, len(tasks), found, {})
    ways = [way for way in ways if way.name in SHOWN]
    portfolios = pd.read_csv(study.validation / "portfolios.csv")
    name = portfolios.loc[portfolios["chosen"], "portfolio"].item()
    served_by = [best.served_by[task] for task in tasks]
    candidates = make_candidates(network, others, len(tasks), found, served_by)
    chosen = next(one for one in candidates if one.name == name)
    seed, rotations = settings.validate_.seed, fresh_repeats(settings)
    contest = Contest(
        trainer.table,
        ways,
        [chosen],
        Phase(rotations, settings.plan.subset_level),
        Phase(*final_repeats(settings, rotations)),
        {name for name, learner in trainer.learners.items() if learner.stops_early},
    )
    known = trainer.learners.identities()
    plan = Plan.of("validation", contest.needed, trainer.data_version, known)
    results = trainer.results(plan, predictions=True)
    repeats = contest.outputs({fit: results[key] for key, fit in plan.fits.items()})
    validations, tests = zip(*repeats, strict=True)
    chosen = chosen.pruned(validations, seed)
    blend = chosen.blend(validations, seed)
    serving = {way.name: _serving(way, repeats) if way.served else None for way in ways}
    said = []
    for test in tests:
        outputs = {"recommended": chosen.predict(blend, test)}
        outputs |= {way.name: _output(way, test, serving[way.name]) for way in ways}
        said.append((test, outputs))
    return said


def group_scores(
    test: Outputs, output: np.ndarray, count: np.ndarray, score: str, n_tasks: int
) -> np.ndarray:
    """The score of each task in each draw, (n_draws, n_tasks); `count` is (n_draws, n_examples)."""
    result = np.full((len(count), n_tasks), np.nan)
    for task in range(n_tasks):
        own = np.flatnonzero(test.task == task)
        own = own[np.argsort(output[own], kind="stable")]
        weight = count[:, test.example[own]].astype(float)
        truth, logit = test.truth[own], output[own]
        if score == "auroc":
            # Ties count half: equal outputs share the mean of the negatives below and up to them.
            _, place = np.unique(logit, return_inverse=True)
            n = place.max() + 1
            bins = np.zeros((2, len(count), n))
            for label in (0, 1):
                for draw, row in enumerate(weight):
                    bins[label, draw] = np.bincount(place, row * (truth == label), n)
            below = np.cumsum(bins[0], axis=1) - bins[0] / 2
            pairs = bins[0].sum(axis=1) * bins[1].sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                result[:, task] = (below * bins[1]).sum(axis=1) / pairs
        else:
            value = (logit > 0) == (truth == 1)
            if score == "log_loss":
                value = -(np.logaddexp(0.0, logit) - truth * logit)  # higher is better
            result[:, task] = weight @ value / weight.sum(axis=1)
    return result


def worst(study: Path, n_draws: int = 1000) -> str:
    """A table: each way's worst group, its score, what the recommended way's worst one gains."""
    repeats = outputs_of_ways(Study(study))
    tasks = pd.read_csv(study / "data" / "validation" / "skill.csv")["task"].tolist()
    people = np.unique(np.concatenate([test.example for test, _ in repeats]))
    drawn = np.random.default_rng(0).multinomial(
        people.size, np.full(people.size, 1 / people.size), size=n_draws
    )
    count = np.zeros((1 + n_draws, people.max() + 1), dtype=np.int8)
    count[0] = 1
    count[1:, people] = drawn
    lines = [_line(["score", "way", "mean", "worst group", "its score", "gain in the worst"])]
    lines.append(_line(["---"] * 6))
    for score in SCORES:
        sign = -1 if score == "log_loss" else 1
        every = {
            way: np.mean(
                [group_scores(t, said[way], count, score, len(tasks)) for t, said in repeats],
                axis=0,
            )
            for way in SHOWN
            if way in repeats[0][1]
        }
        for way, found in every.items():
            at = int(np.nanargmin(found[0]))
            low, high = sorted(sign * np.nanquantile(found[1:, at], [0.025, 0.975]))
            gains = np.nanmin(every["recommended"], axis=1) - np.nanmin(found, axis=1)
            less, more = np.nanquantile(gains[1:], [0.025, 0.975])
            lines.append(
                _line([
                    score,
                    f"**{way}**" if way == "recommended" else way,
                    f"{sign * np.nanmean(found[0]):.3f}",
                    str(tasks[at]),
                    f"{sign * found[0, at]:.3f} ({low:.3f} to {high:.3f})",
                    f"{gains[0]:.4f} ({less:.4f} to {more:.4f})" if way != "recommended" else "",
                ])
            )  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "data/validation/comparison.csv").exists():
        sys.exit("usage: python worst.py STUDY [DRAWS], of a study that `cotrain validate` ran")
    print(worst(Path(sys.argv[1]), *map(int, sys.argv[2:3])))
