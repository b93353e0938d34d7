from ._fit_table import (
    SCORE_COLUMNS as SCORE_COLUMNS,
    Rows as Rows,
    describe_fit as describe_fit,
    fit_rows as fit_rows,
    fit_table as fit_table,
    load_fit_table as load_fit_table,
    save_fit_table as save_fit_table,
)
from ._journal import Journal as Journal
from ._learner import (
    NEVER as NEVER,
    Capabilities as Capabilities,
    Learner as Learner,
    Learners as Learners,
    Suggests as Suggests,
    Trained as Trained,
    estimate_seconds as estimate_seconds,
    make_learner as make_learner,
)
from ._problem import Labels as Labels, Problem as Problem, can_learn as can_learn
from ._result import (
    FitFailure as FitFailure,
    FitResult as FitResult,
    Outcome as Outcome,
    Predictions as Predictions,
    fit_result as fit_result,
)
from ._sweep import sweep as sweep, sweep_learners as sweep_learners
