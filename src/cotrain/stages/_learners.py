"""The learners of a study, by their names in params.yaml."""

from collections.abc import Mapping
from typing import Any

from cotrain.exceptions import SettingsError
from cotrain.study import Study
from cotrain.training import Learner, make_learner

Learners = Mapping[str, Learner]


def study_learners(study: Study) -> dict[str, Learner]:
    """Each learner that the settings describe.

    Raises
    ------
    SettingsError
        If one needs a package that is not installed, or does not fit its settings.
    """
    found = {}
    for name, settings in study.settings.learners.items():
        try:
            found[name] = make_learner(settings)
        except (ValueError, ImportError) as error:
            raise SettingsError(
                f"{study.folder / 'params.yaml'}: `learners.{name}`: {error}"
            ) from error
    return found


def identities(learners: Learners) -> dict[str, dict[str, Any]]:
    """What of each learner's settings is part of a fit's identity."""
    return {name: learner.identity() for name, learner in learners.items()}
