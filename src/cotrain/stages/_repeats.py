"""The repeats of a study, and the fits that affinities are recorded along."""

from cotrain.allocation import Fit, Rotation, all_together, by_recipe, rotations
from cotrain.exceptions import SettingsError
from cotrain.settings import Settings


def study_repeats(settings: Settings, n_repeats: int, seed: int) -> list[Rotation]:
    """The repeats of a study: what its folds serve for in each, and seeds from `seed` on.

    Raises
    ------
    SettingsError
        If the folds do not suffice for training, validation and test.
    """
    plan = settings.plan
    try:
        return rotations(
            settings.prepare.n_folds,
            plan.train_folds,
            plan.test_folds,
            n_repeats,
            seed,
            plan.rotate,
        )
    except ValueError as error:
        raise SettingsError(f"params.yaml: `plan.train_folds` and `test_folds`: {error}") from error


def recorded_fits(settings: Settings, n_tasks: int) -> list[Fit]:
    """The fits that affinities are recorded along."""
    plan = settings.plan
    repeats = study_repeats(settings, plan.affinity.repeats, plan.seed)
    return by_recipe(plan.learner, all_together(n_tasks, plan.subset_level, repeats))
