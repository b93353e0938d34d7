"""The tables that the report reads: where they lie, what they hold, which stage makes them."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["prepare", "analyze", "group", "validate"]


@dataclass(frozen=True)
class Table:
    """One CSV file of a stage.

    Attributes
    ----------
    name : str
        Its attribute of `Findings`.
    stage, file : str
    text : tuple of str
        Columns of names and words, read as they stand: a task may be called NA.
    numbers : tuple of str
        Columns of numbers; an empty cell is unknown (NaN).
    maybe : tuple of str
        More columns of numbers, which a study may lack: unknown (NaN) then.
    is_optional : bool
        Whether a study may lack the file.
    """

    name: str
    stage: Stage
    file: str
    text: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        return self.text + self.numbers


TABLES = (
    Table("summary", "prepare", "summary.csv", ("item",), ("count",)),
    Table(
        "fold_counts", "prepare", "fold_counts.csv", ("task",), ("fold", "n_labels", "n_positive")
    ),
    Table("excluded", "prepare", "excluded.csv", ("task", "reason")),
    Table("rejects", "prepare", "rejects.csv", ("file", "row", "smiles", "reason")),
    Table("conflicts", "prepare", "conflicts.csv", ("task",)),
    Table(
        "transfer",
        "analyze",
        "transfer.csv",
        ("task", "verdict"),
        ("single", "together", "gain", "low", "high", "p_value"),
    ),
    Table(
        "relevance",
        "analyze",
        "relevance.csv",
        ("target", "source", "verdict", "withheld"),
        ("relevance", "low", "high", "p_value"),
    ),
    Table(
        "surrogates",
        "analyze",
        "surrogates.csv",
        ("target",),
        (
            "n_subsets",
            "reliability",
            "spearman",
            "ceiling",
        ),
        maybe=("reliability_low", "reliability_high", "adequacy_p"),
    ),
    Table(
        "predictions",
        "analyze",
        "predictions.csv",
        ("target", "members"),
        ("measured", "predicted", "probability", "harmful"),
    ),
    Table(
        "negative_transfer",
        "analyze",
        "negative_transfer.csv",
        ("predictor",),
        ("f1", "balanced_accuracy", "mcc", "average_precision", "n_subsets", "n_harmful"),
    ),
    Table(
        "pairwise",
        "analyze",
        "pairwise.csv",
        ("target", "auxiliary", "level", "verdict"),
        ("effect", "low", "high", "p_value", "repeats_to_decide"),
    ),
    Table(
        "curves",
        "analyze",
        "curves.csv",
        ("task", "form", "at_bound"),
        ("c", "b", "a_own", "a_others", "exchange_rate", "error"),
    ),
    Table(
        "curve_points",
        "analyze",
        "curve_points.csv",
        ("task", "kind"),
        ("level", "repeat", "n_own", "n_others", "score", "predicted", "low", "high"),
    ),
    Table(
        "affinity",
        "analyze",
        "affinity.csv",
        ("target", "source"),
        ("affinity", "cosine", "n_steps"),
        is_optional=True,
    ),
    Table(
        "affinity_steps",
        "analyze",
        "affinity_steps.csv",
        numbers=("step", "p05", "p25", "p50", "p75", "p95", "n_pairs", "rank_correlation"),
        is_optional=True,
    ),
    Table("costs", "analyze", "costs.csv", ("measure",), ("n_fits", "gflop", "seconds")),
    Table(
        "exchange_rates",
        "analyze",
        "exchange_rates.csv",
        ("target", "source"),
        ("exchange_rate", "low", "high"),
        is_optional=True,
    ),
    Table(
        "next_labels",
        "analyze",
        "next_labels.csv",
        ("task",),
        ("n_labels", "gain", "low", "high", "rank"),
        is_optional=True,
    ),
    Table("trials", "group", "trials.csv", (), ("number", "value", "n_groups"), ("warm_start",)),
    Table("front", "group", "front.csv", (), ("n_groups", "value"), ("bound",)),
    Table(
        "comparison",
        "validate",
        "comparison.csv",
        ("grouping", "score", "calibration"),
        (
            *("n_models", "n_labels", "seconds"),
            *("mean", "difference", "low", "high", "p_value", "n_repeats"),
        ),
    ),
    Table("portfolios", "validate", "portfolios.csv", ("portfolio",), ("n_models", "chosen")),
    Table("skill", "validate", "skill.csv", ("task",), ("skill", "p_value", "skilled")),
    Table("weights", "validate", "weights.csv", ("task", "learner"), ("weight",)),
    Table(
        "task_comparison",
        "validate",
        "tasks.csv",
        ("task", "grouping", "score", "calibration"),
        ("mean", "difference", "low", "high"),
    ),
)
