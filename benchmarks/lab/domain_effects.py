"""What each task gives to all others, and what it takes from them."""

import numpy as np

from cotrain.curves._effects import Effects, beside_others, gains_of, judged_effects
from cotrain.means import mean_known


def domain_effects(
    baseline: np.ndarray, augmented: np.ndarray, *, fdr: float = 0.05
) -> tuple[Effects, Effects]:
    """What each task gives to the others, beside the average task, and what it takes from them.

    What tasks give is relative to the average of the other tasks, as in `pairwise_effects`; what a
    task takes is relative to the fit without extra labels.

    Parameters are those of `cotrain.curves.pairwise_effects`.

    Returns
    -------
    given : Effects
        Arrays (K,): mean over all other targets of each auxiliary's pairwise effect.
    taken : Effects
        Arrays (K,): mean gain of each target over all other auxiliaries.
    """
    gains = gains_of(baseline, augmented)
    off = ~np.eye(gains.shape[-1], dtype=bool)
    every = np.ones(len(off), dtype=bool)
    beside = beside_others(gains, off) if len(off) > 2 else gains
    given = mean_known(np.where(off, beside, np.nan), 3)
    taken = mean_known(np.where(off, gains, np.nan), 2)
    return judged_effects(given, every, fdr), judged_effects(taken, every, fdr)
