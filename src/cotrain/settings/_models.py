from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from cotrain.registry import LEARNERS
from cotrain.settings._section import Count, Section, section_of

Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
if TYPE_CHECKING:
    LearnerSection = Section
else:
    LearnerSection = section_of(LEARNERS)
# Learning curves rise to a ceiling of 1, which these scores have.
CurveScore = Literal["auroc", "aupr", "r2", "pearson", "spearman"]
Score = Literal["log_loss", "auroc", "aupr", "mse", "r2", "pearson", "spearman"]


class MoleculeAceSource(Section):
    """The MoleculeACE benchmark, read out of its wheel."""

    version: str
    sha256: str


class CsvSource(Section):
    """Measurements in a CSV file of the user's."""

    path: str
    layout: Literal["wide", "long"]
    smiles: str
    example: str | None
    tasks: list[str] | None
    task: str | None
    value: str | None

    @model_validator(mode="after")
    def _long_needs_columns(self) -> "CsvSource":
        if self.layout == "long" and not (self.task and self.value):
            raise ValueError("the long layout needs `task` and `value`, the names of two columns")
        return self


class KibaSource(Section):
    """The KIBA scores: a folder that holds scores.csv.gz and compounds.csv.gz."""

    path: str
    min_scores: Count
    min_per_class: Count
    threshold: float


class SyntheticSource(Section):
    """Made data with a known transfer structure."""

    n_examples: Count
    n_tasks: Count
    n_clusters: Count
    n_features: Count
    label_rate: Annotated[float, Field(gt=0, le=1)]
    noise: Annotated[float, Field(ge=0)]
    harmful_tasks: Annotated[int, Field(ge=0)]
    seed: int


class FetchSettings(Section):
    """Where the measurements come from."""

    source: Literal["moleculeace", "csv", "kiba", "synthetic"]
    moleculeace: MoleculeAceSource
    csv: CsvSource | None
    kiba: KibaSource | None
    synthetic: SyntheticSource

    @model_validator(mode="after")
    def _chosen_source_is_described(self) -> "FetchSettings":
        if getattr(self, self.source) is None:
            raise ValueError(f"source is {self.source}, so the section `{self.source}` is needed")
        return self


class LabelSettings(Section):
    """How a measured value becomes a label."""

    kind: Literal["threshold", "binary", "real"]
    threshold: float
    active: Literal["at_most", "at_least"]
    transform: Literal["none", "neg_log10"]

    @model_validator(mode="after")
    def _only_real_values_are_transformed(self) -> "LabelSettings":
        if self.transform != "none" and self.kind != "real":
            raise ValueError(f"transform must be none, because kind is {self.kind} and not real")
        return self


class FingerprintSettings(Section):
    """ECFP: Morgan fingerprints as bits."""

    radius: Annotated[int, Field(ge=0)]
    bits: Count


class PrepareSettings(Section):
    """From measurements to the task table."""

    label: LabelSettings
    fingerprint: FingerprintSettings
    split: Literal["scaffold", "random"]
    n_folds: Annotated[int, Field(ge=3)]
    seed: int


class TrainSettings(Section):
    """Where fits run. Not part of any identity: results do not depend on it."""

    workers: Annotated[int, Field(ge=0)]
    backend: Literal["threading", "loky", "dask"]


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


class ValidateSettings(Section):
    """The recommended grouping against the alternatives, on test labels."""

    repeats: Count
    random_groupings: Count
    seed: int


class Settings(Section):
    """All of params.yaml."""

    fetch: FetchSettings
    prepare: PrepareSettings
    learners: Annotated[dict[str, LearnerSection], Field(min_length=1)]
    train: TrainSettings
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
