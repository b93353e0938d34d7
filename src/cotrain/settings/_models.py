import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cotrain.registry import FEATURIZERS, LEARNERS, SOURCES, SPLITTERS
from cotrain.settings._section import (
    Choice,
    Count,
    Folds,
    Positive,
    Repeats,
    Section,
    Seed,
    Weight,
    section_of,
    within,
)


def _all_different(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError(f"names one twice: {', '.join(map(str, values))}; remove it")
    return values


def minutes(text: str) -> float:
    """The minutes of a time such as `10 min`, `90s` or `1.5 h`.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> minutes("10 min"), minutes("1.5h")
    (10.0, 90.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(min|s|h)", text)
    if not found or float(found[1]) == 0:
        raise ValueError(f"must be a time such as `10 min`, `90s` or `2 h`, got {text[:30]!r}")
    return float(found[1]) * {"min": 1, "s": 1 / 60, "h": 60}[found[2]]


def _a_time(text: str) -> str:
    minutes(text)
    return text


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
    n_folds: Annotated[int, within(3, 1000, "each needs examples of every task")]
    seed: Seed


class TrainSettings(Section):
    """Where fits run. Not part of any identity: results do not depend on it."""

    workers: Annotated[int, within(0, 1024, "each takes memory for a copy of its fit")]
    backend: Literal["threading", "loky", "dask"]
    max_hours: Positive = 48.0

    @property
    def n_workers(self) -> int:
        """`workers`, or one a core that this process may use."""
        from joblib import cpu_count  # a tenth of a second, which most commands do without

        return int(self.workers or cpu_count())


class TuneSettings(Section):
    """The search for recipes of the learners. Without trials all settings stay as they are."""

    trials: Annotated[int, within(0, 100_000, "each trains models")] = 0
    budget: Positive | None = None
    seed: Seed = 0


class SubsetSettings(Section):
    """Subsets of tasks, with single-task and all-together fits beside them."""

    sampling: Literal["uniform", "adaptive"]
    n_subsets: Annotated[int, within(1, 100_000, "each is trained in every repeat")]
    min_size: Count
    max_size: Count
    repeats: Repeats


class AugmentationSettings(Section):
    """The statTAG grid."""

    levels: Annotated[list[Folds], Field(min_length=1), AfterValidator(_all_different)]
    sources: Literal["all", "none"] = "all"
    repeats: Repeats


class AffinitySettings(Section):
    """Gradient affinities, recorded along all-together fits."""

    every: Count
    mode: Literal["paper", "released"]
    heads_step: Literal["fixed", "stepped"]
    repeats: Repeats


class PlaceboSettings(Section):
    """A small copy of the subsets with labels permuted: what is found there is an artefact."""

    n_subsets: Annotated[int, within(0, 100_000, "each is trained in every repeat")]
    repeats: Repeats


class PlanSettings(Section):
    """Which fits are trained, and by which of the learners."""

    learner: str
    test_folds: Folds
    train_folds: Folds
    subset_level: Folds
    rotate: bool
    seed: Seed
    budget: Annotated[str, AfterValidator(_a_time)] | None = None
    subsets: SubsetSettings
    placebo: PlaceboSettings
    augmentations: AugmentationSettings
    affinity: AffinitySettings
    primary: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _primary_tasks_are_drawn(self) -> "PlanSettings":
        if self.primary and self.subsets.sampling == "adaptive":
            raise ValueError("`primary` needs `subsets.sampling: uniform`; adaptive asks about all")
        if self.budget is not None and self.subsets.sampling == "adaptive":
            raise ValueError("`budget` needs `subsets.sampling: uniform`; adaptive stops by itself")
        return self


class AnalyzeSettings(Section):
    """Surrogates, learning curves and verdicts."""

    score: Score
    curve_score: CurveScore
    ridge: Literal["evidence"] | Annotated[float, within(0, 1e6, "more leaves no effect")]
    held_out: Annotated[float, Field(gt=0, lt=0.5)]
    fdr: Fraction
    seed: Seed


class GroupSettings(Section):
    """The search for the best grouping."""

    max_groups: Count
    caution: Annotated[float, within(0, 10, "in standard errors")]
    min_size: Count
    max_size: Count | None
    must_share: list[Pair]
    must_not_share: list[Pair]
    max_cost: Positive | None
    weights: dict[str, Weight]
    trials: Count
    sampler: Literal["moves", "nsga2", "tpe", "random"]
    seed: Seed
    tolerance: Annotated[float, within(0, 1e6, "in the score's own size")] = 0.0
    proof_seconds: Positive = 60.0


class ValidateSettings(Section):
    """The recommended grouping against the alternatives, on test labels."""

    repeats: Repeats
    random_groupings: Repeats
    seed: Seed
    objective: Literal["mean", "worst"] = "mean"
    refit: bool = True


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
        if "" in self.learners:
            raise ValueError("`learners` has one without a name; name it")
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
