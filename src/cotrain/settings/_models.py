from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from cotrain.registry import FEATURIZERS, LEARNERS, SOURCES, SPLITTERS
from cotrain.settings._section import Choice, Count, Section, section_of

Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
if TYPE_CHECKING:
    LearnerSection = Section
    ChosenSource = Choice
    ChosenFeatures = Choice
    ChosenSplit = Choice
else:
    LearnerSection = section_of(LEARNERS)
    ChosenSource = section_of(SOURCES)
    ChosenFeatures = section_of(FEATURIZERS)
    ChosenSplit = section_of(SPLITTERS)
# Learning curves rise to a ceiling of 1, which these scores have.
CurveScore = Literal["auroc", "aupr", "r2", "pearson", "spearman", "d2"]
Score = Literal["log_loss", "auroc", "aupr", "mse", "r2", "pearson", "spearman", "rae", "d2"]


# How tasks' gradients become one. After `uncertainty`: the aggregators of torchjd that need neither
# settings nor memory, in lower case.
Combination = Literal[
    "sum", "itmtl", "uncertainty", "pcgrad", "mgda", "imtlg", "alignedmtl", "config", "graddrop",
    "random", "upgrad", "dualproj",
]  # fmt: skip


# Of real values; the last, log10(1 + value), is for columns with zeros.
Transform = Literal["none", "log10", "neg_log10", "log10_plus_one"]


class TaskLabels(Section):
    """What differs for one task from the labels of the others; what is left out does not."""

    kind: Literal["threshold", "binary", "real"] | None = None
    threshold: float | None = None
    active: Literal["at_most", "at_least"] | None = None
    transform: Transform | None = None


class LabelSettings(Section):
    """How a measured value becomes a label."""

    kind: Literal["threshold", "binary", "real"]
    threshold: float
    active: Literal["at_most", "at_least"]
    transform: Transform
    repeats: Literal["median", "mean", "first", "most_severe"] = "median"
    tasks: dict[str, TaskLabels] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_real_values_are_transformed(self) -> "LabelSettings":
        for name in (None, *self.tasks):
            found = self.of(name)
            if found.transform not in (None, "none") and found.kind != "real":
                of = "" if name is None else f" of the task `{name}`"
                raise ValueError(
                    f"transform must be none, because kind is {found.kind} and not real{of}"
                )
        return self

    def of(self, task: str | None) -> TaskLabels:
        """What holds for one task, nothing left out; None: for tasks that are not named."""
        common = {name: getattr(self, name) for name in TaskLabels.model_fields}
        own = self.tasks.get(task) if task is not None else None
        own_values = own.model_dump(exclude_none=True) if own else {}
        if own_values.get("kind", "real") != "real":
            common["transform"] = "none"  # a class among values that are transformed
        return TaskLabels(**common | own_values)


class PrepareSettings(Section):
    """From measurements to the task table."""

    labels: LabelSettings
    features: ChosenFeatures
    split: ChosenSplit
    n_folds: Annotated[int, Field(ge=3)]
    seed: int


class TrainSettings(Section):
    """Where fits run. Not part of any identity: results do not depend on it."""

    workers: Annotated[int, Field(ge=0)]
    backend: Literal["threading", "loky", "dask"]
    max_hours: Annotated[float, Field(gt=0)] = 48.0


class TuneSettings(Section):
    """The search for recipes of the learners. Without trials all settings stay as they are."""

    trials: Annotated[int, Field(ge=0)] = 0
    budget: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0


class SubsetSettings(Section):
    """Subsets of tasks, with single-task and all-together fits beside them."""

    sampling: Literal["uniform", "adaptive"]
    n_subsets: Count
    min_size: Count
    max_size: Count
    repeats: Count


class AugmentationSettings(Section):
    """The statTAG grid."""

    levels: Annotated[list[Count], Field(min_length=1)]
    repeats: Count


class AffinitySettings(Section):
    """Gradient affinities, recorded along all-together fits."""

    every: Count
    mode: Literal["paper", "released"]
    heads_step: Literal["fixed", "stepped"]
    repeats: Count


class PlaceboSettings(Section):
    """A small copy of the subsets with labels permuted: what is found there is an artefact."""

    n_subsets: Annotated[int, Field(ge=0)]
    repeats: Count


class PlanSettings(Section):
    """Which fits are trained, and by which of the learners."""

    learner: str
    test_folds: Count
    train_folds: Count
    subset_level: Count
    rotate: bool
    seed: int
    subsets: SubsetSettings
    placebo: PlaceboSettings
    augmentations: AugmentationSettings
    affinity: AffinitySettings


class AnalyzeSettings(Section):
    """Surrogates, learning curves and verdicts."""

    score: Score
    curve_score: CurveScore
    ridge: Literal["evidence"] | Annotated[float, Field(ge=0)]
    held_out: Fraction
    fdr: Fraction
    seed: int


class GroupSettings(Section):
    """The search for the best grouping."""

    max_groups: Count
    caution: Annotated[float, Field(ge=0)]
    min_size: Count
    max_size: Count | None
    must_share: list[Pair]
    must_not_share: list[Pair]
    max_cost: Annotated[float, Field(gt=0)] | None
    weights: dict[str, Annotated[float, Field(gt=0)]]
    trials: Count
    sampler: Literal["moves", "nsga2", "tpe", "random"]
    seed: int
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    proof_seconds: Annotated[float, Field(gt=0)] = 600.0


class ValidateSettings(Section):
    """The recommended grouping against the alternatives, on test labels."""

    repeats: Count
    random_groupings: Count
    seed: int


class Settings(Section):
    """All of params.yaml."""

    fetch: ChosenSource
    prepare: PrepareSettings
    learners: Annotated[dict[str, LearnerSection], Field(min_length=1)]
    train: TrainSettings
    tune: TuneSettings = TuneSettings()
    plan: PlanSettings
    analyze: AnalyzeSettings
    group: GroupSettings
    validate_: Annotated[ValidateSettings, Field(alias="validate")]

    @model_validator(mode="after")
    def _learners_are_described(self) -> "Settings":
        if self.plan.learner not in self.learners:
            raise ValueError(
                f"`plan.learner` must be one of `learners` ({', '.join(self.learners)}), "
                f"got {self.plan.learner}"
            )
        return self

    @property
    def learner(self) -> Section:
        """The settings of the learner that transfer is measured with."""
        return self.learners[self.plan.learner]
