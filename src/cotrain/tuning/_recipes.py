"""What tuning found: settings of each learner for each way of training, as a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, RootModel, ValidationError

from cotrain.allocation import WAYS, Way
from cotrain.exceptions import DataError
from cotrain.files import read_json, write_json
from cotrain.settings import Section


class Recipe(Section):
    """What was found for one way of training."""

    settings: dict[str, Any]  # the learner's, as in params.yaml
    # mean D² of the validation labels over tasks and repeats, with these settings and with those
    # of params.yaml; None where nothing was tuned
    d2: float | None = None
    untuned_d2: float | None = None
    n_trials: Annotated[int, Field(ge=0)] = 0  # settings tried, those of params.yaml among them


class LearnerRecipes(Section):
    """The settings of a learner as they were, and its recipe for each way of training."""

    untuned: dict[str, Any]
    single: Recipe
    group: Recipe
    together: Recipe

    @classmethod
    def of(cls, untuned: Section, recipes: Mapping[Way, Recipe]) -> "LearnerRecipes":
        """Those of a learner; a way that is not given is trained with the settings as they are."""
        plain = untuned.model_dump(mode="json")
        same = Recipe(settings=plain)
        return cls(untuned=plain, **{way: recipes.get(way, same) for way in WAYS})

    def recipe(self, way: Way) -> Recipe:
        return getattr(self, way)


class Recipes(RootModel[dict[str, LearnerRecipes]]):
    """The recipes of a study's learners, by their names in params.yaml."""

    def save(self, path: Path) -> None:
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path, learners: Mapping[str, Section]) -> "Recipes":
        """Read what `save` wrote.

        DataError if it is missing, not what it must be, or was found for other settings of
        `learners`.
        """
        try:
            found = cls.model_validate(read_json(path, "tune"))
        except ValidationError as error:
            raise DataError(f"{path}: cannot be read ({error}); run `cotrain tune`") from error
        for name, settings in learners.items():
            if name not in found.root or not _says(found.root[name].untuned, settings):
                raise DataError(
                    f"{path}: found for other settings of `learners.{name}`; run `cotrain tune`"
                )
        return found


def _says(plain: dict[str, Any], settings: Section) -> bool:
    """Whether plain values are those settings; what they do not name is as by default."""
    try:
        return type(settings).model_validate(plain) == settings
    except ValidationError:
        return False
