import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from cotrain.surrogates import (
    AffinitySurrogate,
    LabelCurveSurrogate,
    LinearSurrogate,
    MeanSurrogate,
)
from lab.group_mean import AveragingSurrogate, PairwiseSurrogate
from lab.interaction import InteractionSurrogate
from lab.kernel_surrogate import KernelSurrogate

PRECISIONS = {
    # A weight says how precise one score is; a row listed twice is two scores.
    "check_sample_weight_equivalence_on_dense_data": "weights are precisions, not numbers of rows",
}


@pytest.mark.filterwarnings("ignore::cotrain.surrogates.DesignWarning")
@parametrize_with_checks(
    [
        LinearSurrogate(),
        LinearSurrogate(ridge=0.01),
        MeanSurrogate(),
        AveragingSurrogate(),
        PairwiseSurrogate(),
        KernelSurrogate(),
        LabelCurveSurrogate(),
        AffinitySurrogate(),
        InteractionSurrogate(),
    ],
    expected_failed_checks=lambda estimator: (
        {}
        if isinstance(estimator, AveragingSurrogate) or getattr(estimator, "ridge", None) == 0.01
        else PRECISIONS
    ),
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
