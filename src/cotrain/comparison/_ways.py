"""What is compared on test labels, and the portfolios that can be recommended."""

from collections.abc import Mapping, Sequence

from cotrain.comparison._models import Model, Way, draws, models_of
from cotrain.comparison._portfolio import Candidate
from cotrain.grouping import Grouping, single_tasks, together

BASE_RATE = "base rate"


def make_ways(
    learner: str,
    others: Sequence[str],
    n_tasks: int,
    recommended: Grouping,
    rivals: Mapping[str, Sequence[Grouping]],
    stops: Sequence[str] = (),
) -> list[Way]:
    """The ways to predict that the recommended portfolio is compared with.

    `learner` is the one that transfer was measured with, `others` train each task by itself, or all
    together; `stops` name the joint learner stopped early (ACS, 2025). `recommended` is what the
    search found, `rivals` are other groupings by name; those of one name are averaged.
    """
    every = tuple(range(n_tasks))
    checkpoints = tuple(Model(name, every) for name in stops)
    ways = [
        Way(BASE_RATE, ()),
        *(Way(name, (Model(name, every),)) for name in others),
        Way("single-task", models_of(learner, single_tasks(n_tasks))),
        Way("all together", models_of(learner, together(n_tasks))),
        Way("ensemble", _ensemble(learner, n_tasks, recommended)),
        Way("grouping", models_of(learner, recommended), served=True),
        Way("checkpoints", checkpoints, served=True),
        *(
            Way(name, models_of(learner, grouping), served=True)
            for name, groupings in rivals.items()
            for grouping in groupings
        ),
    ]
    return [way for way in ways if way.models or way.name == BASE_RATE]


def make_candidates(
    learner: str, others: Sequence[str], n_tasks: int, recommended: Grouping
) -> list[Candidate]:
    """The portfolios that can be recommended, from the fewest models on; arguments as `make_ways`.

    Of two with the same models the first is kept.
    """
    every = tuple(range(n_tasks))
    rest = tuple(Model(name, every) for name in others)
    alone = models_of(learner, single_tasks(n_tasks))
    ensemble = _ensemble(learner, n_tasks, recommended)
    groups = models_of(learner, recommended)
    candidates = [
        Candidate(BASE_RATE, ()),
        *(Candidate(model.learner, (model,)) for model in rest),
        Candidate("all together", models_of(learner, together(n_tasks))),
        Candidate("single-task", alone),
        Candidate("ensemble", ensemble),
        Candidate("grouping", groups),
    ]
    if rest:
        candidates.append(Candidate("single-task and other learners", (*alone, *rest)))
        candidates.append(Candidate("ensemble and other learners", (*ensemble, *rest)))
    candidates += [
        Candidate("ensemble and single-task", (*ensemble, *alone)),
        Candidate("ensemble and grouping", (*ensemble, *groups)),
        Candidate("all models", (*ensemble, *groups, *alone, *rest)),
    ]
    seen: dict[frozenset[Model], Candidate] = {}
    for one in candidates:
        seen.setdefault(frozenset(one.models), one)
    return sorted(seen.values(), key=lambda one: len(one.models))


def _ensemble(learner: str, n_tasks: int, recommended: Grouping) -> tuple[Model, ...]:
    """As many joint models as the grouping has, so that they cost the same."""
    return draws(learner, range(n_tasks), max(len(recommended), 2))
