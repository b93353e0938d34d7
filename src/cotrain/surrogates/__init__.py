"""Which tasks help and hurt which: scores of subsets of tasks, modelled with their uncertainty."""

from cotrain.surrogates._classification import Classification, best_threshold, classify
from cotrain.surrogates._errors import DesignWarning
from cotrain.surrogates._linear import LinearSurrogate
from cotrain.surrogates._negative_transfer import NegativeTransfer, identify_negative_transfer
from cotrain.surrogates._relevance import Relevance, relevance, verdicts
from cotrain.surrogates._scores import average_repeats, noise_variance, paired_effects
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates

__all__ = [
    "Classification",
    "DesignWarning",
    "LinearSurrogate",
    "NegativeTransfer",
    "Relevance",
    "TargetSurrogates",
    "average_repeats",
    "best_threshold",
    "classify",
    "fit_surrogates",
    "identify_negative_transfer",
    "noise_variance",
    "paired_effects",
    "relevance",
    "verdicts",
]
