"""Which tasks help and hurt which: scores of subsets of tasks, modelled with their uncertainty."""

from cotrain.surrogates._adaptive import NextSubsets, next_subsets
from cotrain.surrogates._agreement import spearman_by_target
from cotrain.surrogates._choice import SurrogateChoice, choose_surrogate, default_surrogates
from cotrain.surrogates._classification import Classification, best_threshold, classify
from cotrain.surrogates._errors import DesignWarning
from cotrain.surrogates._goodness import LackOfFit, lack_of_fit
from cotrain.surrogates._gradient import GradientEstimate, gradient_estimate
from cotrain.surrogates._group_mean import AveragingSurrogate, PairwiseSurrogate
from cotrain.surrogates._interaction import InteractionSurrogate
from cotrain.surrogates._kernel import KernelSurrogate
from cotrain.surrogates._label_curve import LabelCurveSurrogate
from cotrain.surrogates._linear import LinearSurrogate
from cotrain.surrogates._mean import MeanSurrogate
from cotrain.surrogates._negative_transfer import NegativeTransfer, identify_negative_transfer
from cotrain.surrogates._relevance import Relevance, relevance
from cotrain.surrogates._scores import average_repeats, noise_variance, paired_effects
from cotrain.surrogates._simulate import SimulatedTruth, simulate_subsets, simulate_truth
from cotrain.surrogates._targets import TargetSurrogates, fit_surrogates

__all__ = [
    "AveragingSurrogate",
    "Classification",
    "DesignWarning",
    "GradientEstimate",
    "InteractionSurrogate",
    "KernelSurrogate",
    "LabelCurveSurrogate",
    "LackOfFit",
    "LinearSurrogate",
    "MeanSurrogate",
    "NegativeTransfer",
    "NextSubsets",
    "PairwiseSurrogate",
    "Relevance",
    "SimulatedTruth",
    "SurrogateChoice",
    "TargetSurrogates",
    "average_repeats",
    "best_threshold",
    "choose_surrogate",
    "classify",
    "default_surrogates",
    "fit_surrogates",
    "gradient_estimate",
    "identify_negative_transfer",
    "lack_of_fit",
    "next_subsets",
    "noise_variance",
    "paired_effects",
    "relevance",
    "simulate_subsets",
    "simulate_truth",
    "spearman_by_target",
]
