"""The learners of a study, by the names of their recipes."""

from cotrain.allocation import WAYS
from cotrain.exceptions import SettingsError, missing_package
from cotrain.settings import Section
from cotrain.study import Study
from cotrain.training import Learner, Learners, make_learner
from cotrain.tuning import Recipes


def study_learners(study: Study) -> Learners:
    """Each learner of the settings with its recipe for each way of training: `network/single`.

    Without tuning all ways are trained with the settings as they are in params.yaml.
    """
    learners = study.settings.learners
    if study.settings.tune.trials == 0:
        plain = {name: settings_learner(study, name) for name in learners}
        return Learners({f"{name}/{way}": plain[name] for name in learners for way in WAYS})
    recipes = Recipes.load(study.recipes, learners).root
    found = Learners()
    for name, settings in learners.items():
        for way in WAYS:
            tuned = type(settings).model_validate(recipes[name].recipe(way).settings)
            found[f"{name}/{way}"] = settings_learner(study, name, tuned)
    return found


def settings_learner(study: Study, name: str, settings: Section | None = None) -> Learner:
    """A learner with its settings as they are in params.yaml, or others."""
    where = f"{study.folder / 'params.yaml'}: `learners.{name}`"
    return made(where, settings or study.settings.learners[name])


def made(where: str, settings: Section) -> Learner:
    try:
        return make_learner(settings)
    except (ValueError, ImportError) as error:
        why = missing_package(error) if isinstance(error, ImportError) else None
        raise SettingsError(f"{where}: {why or error}") from error
