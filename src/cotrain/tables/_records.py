"""The JSON files between the stages, as typed records."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from cotrain.exceptions import DataError, first_problem
from cotrain.files import read_json

# A figure that is unknown is null in the file.
Figure = Annotated[float, BeforeValidator(lambda value: float("nan") if value is None else value)]
Groups = tuple[tuple[str, ...], ...]


class _Record(BaseModel):
    """A file of a stage; what it holds beside the fields is passed over."""

    model_config = ConfigDict(frozen=True)
    file: ClassVar[str]
    stage: ClassVar[str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        path = folder / cls.file
        try:
            return cls.model_validate(read_json(path, cls.stage))
        except ValidationError as error:
            raise cls._unreadable(path, first_problem(error)) from error

    @classmethod
    def of_table(cls, folder: Path, tasks: Sequence[str], data_version: str) -> Self:
        """Read a file that must have been made of this task table."""
        found, path = cls.load(folder), folder / cls.file
        if (made_of := getattr(found, "data_version", None)) != data_version:
            raise DataError(
                f"{path}: made of another task table ({made_of}, not {data_version}); "
                f"run `cotrain {cls.stage}` again"
            )
        if unknown := sorted(found.named() - set(tasks)):
            raise cls._unreadable(path, f"no task is called {unknown[0]!r}")
        return found

    def named(self) -> set[str]:
        return set()

    @classmethod
    def _unreadable(cls, path: Path, reason: str) -> DataError:
        return DataError(f"{path}: cannot be read ({reason}); run `cotrain {cls.stage}` again")


class Overview(_Record):
    """What the analysis was made of and how well its scores repeat.

    Unknown figures are NaN. `repeats_needed` is how many repeats would make the scores reliable;
    `primary` are the tasks that the others are sources of, if any are named.
    """

    file = "summary.json"
    stage = "analyze"

    score: str
    curve_score: str
    n_repeats: int
    n_subsets: int
    n_levels: int
    surrogate: str  # what predicts: one of `cotrain.analysis.candidates`, or none
    reliability: Figure = Field(validation_alias=AliasPath("reliability", "mean"))
    reliability_low: Figure = Field(validation_alias=AliasPath("reliability", "low"))
    reliability_high: Figure = Field(validation_alias=AliasPath("reliability", "high"))
    repeats_needed: Figure = Field(validation_alias=AliasPath("reliability", "repeats_needed"))
    spearman: Figure
    ceiling: Figure
    placebo_helps: int | None
    placebo_hurts: int | None
    primary: tuple[str, ...] = ()


class Recommendation(_Record):
    """The recommended grouping and what is certified about it; NaN where nothing is proven."""

    file = "grouping.json"
    stage = "group"

    data_version: str
    groups: Annotated[Groups, Field(min_length=1)]
    # The group whose model serves each task; in other groups it is only auxiliary.
    served_by: Mapping[str, Any]
    predicted: Figure
    bound: Figure  # what no predicted mean score can be above
    is_optimal: bool
    gap: Figure  # from `predicted` to `bound`, as a share of its size
    score: str
    n_unknown_affinities: int  # ordered pairs of tasks
    rivals: Mapping[str, tuple[Groups, ...]]  # what it is compared with

    @model_validator(mode="after")
    def _each_is_served_by_a_group_that_holds_it(self) -> Self:
        for task in sorted({task for group in self.groups for task in group}):
            place = self.served_by.get(task)
            if not (
                isinstance(place, int)
                and 0 <= place < len(self.groups)
                and task in self.groups[place]
            ):
                raise ValueError(
                    f"`served_by` must give {task!r} the place of a group that holds it, "
                    f"got {place!r}"
                )
        return self

    @classmethod
    def of_table(cls, folder: Path, tasks: Sequence[str], data_version: str) -> Self:
        """Read the grouping of this task table, in which some group holds each task."""
        found = super().of_table(folder, tasks, data_version)
        if lost := sorted(set(tasks) - {task for group in found.groups for task in group}):
            raise cls._unreadable(folder / cls.file, f"no group holds {lost[0]!r}")
        return found

    def is_auxiliary(self, group: int, task: str) -> bool:
        """Whether a task is in the group at this place only to help the others."""
        return bool(self.served_by[task] != group)

    def named(self) -> set[str]:
        groupings = (self.groups, *(one for rival in self.rivals.values() for one in rival))
        return {task for grouping in groupings for group in grouping for task in group}


class PortfolioModel(BaseModel):
    learner: str
    members: Annotated[tuple[str, ...], Field(min_length=1)]
    draw: int
    serves: tuple[str, ...] = ()  # the members that it predicts; empty: all

    @model_validator(mode="after")
    def _serves_members(self) -> Self:
        if unknown := sorted(set(self.serves) - set(self.members)):
            raise ValueError(f"`serves` must name members, got {unknown[0]!r}")
        return self


class Portfolio(_Record):
    """The recommended portfolio: its name, and its models."""

    file = "portfolio.json"
    stage = "validate"

    data_version: str
    name: str
    models: tuple[PortfolioModel, ...]

    def named(self) -> set[str]:
        return {task for model in self.models for task in model.members}
