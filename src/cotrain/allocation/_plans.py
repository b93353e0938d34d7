import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Literal, get_args

import numpy as np

from cotrain.allocation._fit import Allocation, Fit, FoldUse, Kind

# Which of a learner's recipes trains a fit: a task alone, some tasks, or all of them.
Way = Literal["single", "group", "together"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True)
class Rotation:
    """One repeat of a plan: what the folds serve for, and the seed. Fits of one are paired."""

    repeat: int
    folds: FoldUse
    seed: int

    def refitted(self, level: int) -> "Rotation":
        """The repeat whose validation folds train too, after its first `level` training folds."""
        folds = self.folds
        train = (*folds.train[:level], *folds.validation, *folds.train[level:])
        return replace(self, folds=FoldUse(train, (), folds.test))


def rotations(
    n_folds: int,
    n_train: int,
    n_test: int,
    n_repeats: int,
    seed: int,
    rotate: bool = True,
    after: int = 0,
) -> list[Rotation]:
    """The repeats of a plan: one seed each and, with `rotate`, other training folds each.

    The last `n_test` folds are the test folds of every repeat; the others, the development folds,
    are turned by `n_train` places from repeat to repeat, and the first `n_train` of them train.
    The first turn is the one that comes `after` so many repeats.
    ValueError if no fold is left for validation, or a number is not positive.
    """
    if min(n_train, n_test, n_repeats) < 1:
        raise ValueError("n_train, n_test and n_repeats must be at least 1")
    n_development = n_folds - n_test
    if n_train >= n_development:
        raise ValueError(
            f"train and test folds must leave a fold for validation, got {n_train} + {n_test} "
            f"of {n_folds}"
        )
    test = tuple(range(n_development, n_folds))
    result = []
    for repeat in range(n_repeats):
        turn = (after + repeat) * n_train if rotate else 0
        development = [(turn + fold) % n_development for fold in range(n_development)]
        use = FoldUse(tuple(development[:n_train]), tuple(sorted(development[n_train:])), test)
        result.append(Rotation(repeat, use, seed + repeat))
    return result


def subset_fit(
    n_tasks: int, members: Iterable[int], level: int, rotation: Rotation, kind: Kind = "subset"
) -> Fit:
    """The fit of `members` over the first `level` training folds."""
    folds = rotation.folds
    if not 1 <= level <= len(folds.train):
        raise ValueError(f"level must be in 1 .. {len(folds.train)}, got {level}")
    n_folds = len(folds.train) + len(folds.validation) + len(folds.test)
    allocation = Allocation.of(n_tasks, n_folds, members, folds.train[:level])
    return Fit(allocation, folds, rotation.seed, kind, rotation.repeat, level)


def single_tasks(n_tasks: int, level: int, repeats: Sequence[Rotation]) -> list[Fit]:
    """Each task alone."""
    return [
        subset_fit(n_tasks, [task], level, rotation, "single")
        for rotation in repeats
        for task in range(n_tasks)
    ]


def all_together(n_tasks: int, level: int, repeats: Sequence[Rotation]) -> list[Fit]:
    """All tasks in one model."""
    return [
        subset_fit(n_tasks, range(n_tasks), level, rotation, "together") for rotation in repeats
    ]


def random_subsets(
    n_tasks: int,
    n_subsets: int,
    min_size: int,
    max_size: int,
    seed: int,
    holding: Collection[int] = (),
) -> list[tuple[int, ...]]:
    """Distinct random subsets: size uniform in min_size .. max_size, then tasks uniform.

    Raising `n_subsets` keeps the subsets there were and adds new ones. If there are no more than
    are asked for, all are returned. Each has a task of `holding`, if any are named. ValueError if
    the sizes do not fit the tasks.
    """
    if not 1 <= min_size <= max_size <= n_tasks:
        raise ValueError(
            f"sizes must obey 1 <= min_size <= max_size <= {n_tasks} tasks, "
            f"got {min_size} and {max_size}"
        )
    n_all = count_subsets(n_tasks, min_size, max_size, len(holding))
    n_subsets = min(n_subsets, n_all)
    wanted = set(holding) or set(range(n_tasks))
    rng = np.random.default_rng(seed)
    drawn = (
        rng.choice(n_tasks, size=rng.integers(min_size, max_size + 1), replace=False).tolist()
        for _ in range(100 * min(n_all, 20_000))  # however many are asked: more adds to fewer
    )
    # Nearly all are asked for, and the last ones are hardly ever drawn: take them in order.
    in_order = (combinations(range(n_tasks), size) for size in range(min_size, max_size + 1))
    subsets: dict[tuple[int, ...], None] = {}
    for members in chain(drawn, chain.from_iterable(in_order)):
        if len(subsets) == n_subsets:
            break
        if not wanted.isdisjoint(members):
            subsets.setdefault(tuple(sorted(members)))
    return list(subsets)


def count_subsets(n_tasks: int, min_size: int, max_size: int, n_held: int = 0) -> int:
    """How many subsets of these sizes there are that hold one of `n_held` tasks; 0: of any."""
    rest = n_tasks - n_held if n_held else 0
    sizes = range(min_size, max_size + 1)
    return sum(math.comb(n_tasks, size) - math.comb(rest, size) for size in sizes)


def subset_fits(
    n_tasks: int, level: int, subsets: Iterable[Sequence[int]], repeats: Sequence[Rotation]
) -> list[Fit]:
    """All together, each task alone, and each subset, in every repeat."""
    return [
        *all_together(n_tasks, level, repeats),
        *single_tasks(n_tasks, level, repeats),
        *(
            subset_fit(n_tasks, members, level, rotation)
            for members in subsets
            for rotation in repeats
        ),
    ]


def augmentations(n_tasks: int, levels: Sequence[int], repeats: Sequence[Rotation]) -> list[Fit]:
    """The statTAG grid: for each level all tasks together, and one fold more for each task in turn.

    One fit serves all targets: K + 1 fits a level and repeat (arXiv 2512.24866).
    """
    fits = []
    for rotation in repeats:
        for level in levels:
            if level >= len(rotation.folds.train):
                raise ValueError(
                    f"a level must leave a training fold to add, so be below "
                    f"{len(rotation.folds.train)}, got {level}"
                )
            baseline = subset_fit(n_tasks, range(n_tasks), level, rotation, "level")
            fits.append(baseline)
            for task in range(n_tasks):
                more = baseline.allocation.with_cell(task, rotation.folds.train[level])
                fits.append(replace(baseline, allocation=more, kind="augmentation", auxiliary=task))
    return fits


def way_of(n_members: int, n_tasks: int) -> Way:
    """The way of training `n_members` of `n_tasks` tasks."""
    if n_members == 1:
        return "single"
    return "together" if n_members == n_tasks else "group"


def recipe_name(learner: str, n_members: int, n_tasks: int) -> str:
    """The name of a learner's recipe for so many members, as fits carry it in `learner`.

    >>> recipe_name("network", 3, 30)
    'network/group'
    """
    return f"{learner}/{way_of(n_members, n_tasks)}"


def learner_name(recipe: str) -> str:
    """The learner of a recipe, by its name in the settings.

    >>> learner_name("network/group")
    'network'
    """
    return recipe.rpartition("/")[0] or recipe


def by_recipe(learner: str, fits: Iterable[Fit]) -> list[Fit]:
    """The fits, each trained by the recipe of `learner` for its number of members."""
    return [
        replace(fit, learner=recipe_name(learner, len(fit.members), fit.allocation.n_tasks))
        for fit in fits
    ]
