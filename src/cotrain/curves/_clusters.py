"""What the tasks of a cluster do to each other: one question in place of hundreds of pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cotrain.curves._effects import Effects, gains_of, judged_effects
from cotrain.means import mean_known

# So many variances tell how much they scatter; of fewer, they would make certainty of chance.
_ENOUGH_TO_STEADY = 20


def cluster_effects(
    baseline: np.ndarray,
    augmented: np.ndarray,
    clusters: Sequence[Sequence[int]],
    *,
    fdr: float = 0.05,
) -> Effects:
    """What a fold more of one member of a cluster does to another member, on average over them.

    Pairs of many tasks are hardly ever decided one by one: the noise of a pair is large, and the
    rate of false verdicts is shared by all of them. A cluster is a single question, whose noise is
    that of the mean over its pairs. Effects are beside what the members give to tasks outside and
    take from them, and these from each other: a fit's luck, which all targets share, is no matter
    of the cluster.

    Parameters
    ----------
    baseline, augmented, fdr
        As in `pairwise_effects`.
    clusters : sequence of sequences of int, (C,)
        Tasks, two or more each, and two or more outside. They must not be chosen by the same
        scores: a cluster of pairs that were lucky together is lucky.

    Returns
    -------
    Effects
        Arrays (C,).

    Raises
    ------
    ValueError
        If the shapes do not fit, or a cluster has fewer than two tasks.
    """
    if small := [cluster for cluster in clusters if len(set(cluster)) < 2]:
        raise ValueError(f"clusters must have at least two tasks each, got {list(small[0])}")
    gains = gains_of(baseline, augmented)
    inside = np.array([np.isin(np.arange(gains.shape[-1]), cluster) for cluster in clusters])
    beside = np.stack([_beside(gains, tasks) for tasks in inside], axis=2)
    size = inside.sum(axis=1)
    # Variances of means over more pairs are smaller: they steady each other in those of one pair.
    scale = np.sqrt(size * (size - 1.0))
    judged, steady = np.ones(len(scale), dtype=bool), len(scale) >= _ENOUGH_TO_STEADY
    effects = judged_effects(beside * scale, judged, fdr, steady)
    ends = {name: getattr(effects, name) / scale for name in ("effect", "low", "high")}
    return replace(effects, **ends)


def _beside(gains: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean gain within, less that from inside to outside and back, and more that outside, (R, L).

    What a source gives to all and what a target takes from all cancel out.
    """
    off = ~np.eye(len(inside), dtype=bool)
    blocks = [
        mean_known(gains[:, :, off & source[:, None] & target], axis=-1)
        for source, target in (
            (inside, inside), (inside, ~inside), (~inside, inside), (~inside, ~inside),
        )
    ]  # fmt: skip
    return blocks[0] - blocks[1] - blocks[2] + blocks[3]
