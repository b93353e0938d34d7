"""Groups to folds, so that every task's labels, of each class, spread evenly over the folds.

Why not a splitter of another package: scikit-learn's StratifiedGroupKFold balances one label per
example, and here an example has labels of several tasks and gaps; iterative-stratification
(Sechidis et al. 2011) takes many labels but no groups; the scaffold splitters of
scikit-fingerprints, chemprop and astartes make one split by size and ignore labels; gbmtsplits
balances tasks over groups by integer programming that ends at a time limit, so its folds depend on
the machine. What is left is a greedy pass and a local search over one objective.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack

# Passes of the local search; it nearly always ends before, when no group moves.
MAX_PASSES = 20
# Shares are whole numbers, whose sums no processor's order of adding changes: among folds that are
# as good the last bit of a float would choose, and another machine would choose another.
_WHOLE = 2**28


def group_folds(
    groups: Sequence[str] | np.ndarray, labels: csr_array, n_folds: int, seed: int
) -> np.ndarray:
    """Return the fold of each example, int64 (N,), so that no group stands in two folds.

    The folds minimise, greedily and then by moving single groups, the sum over columns c and
    folds f of (share of c in f - 1/F)². The columns are the examples, and for each task its
    labels above and not above its median: the two classes of a binary task.

    Parameters
    ----------
    groups : sequence, (N,)
        What must stay together.
    labels : csr_array, (N, K)
        The known labels; a stored zero is a label.
    n_folds, seed : int
        The number of folds F; another seed gives other folds, about as balanced.

    Raises
    ------
    ValueError
        If there are fewer groups than folds, or the sizes do not fit.
    """
    names, group_of_example = np.unique(np.asarray(groups), return_inverse=True)
    if group_of_example.size != labels.shape[0]:
        raise ValueError(
            f"`groups` must have {labels.shape[0]} entries, one an example, "
            f"got {group_of_example.size}"
        )
    if names.size < n_folds:
        raise ValueError(
            f"`n_folds` must be at most the number of groups, {names.size}, got {n_folds}; "
            "take fewer folds or split at random"
        )
    shares = _shares(group_of_example, _columns(labels))
    rng = np.random.default_rng(seed)
    fold_of_group = _assign(shares, n_folds, rng)
    if names.size < group_of_example.size:
        # The heaviest group would always lie in the first fold.
        fold_of_group = rng.permutation(n_folds)[fold_of_group]
    return fold_of_group[group_of_example]


def split_giants(
    groups: np.ndarray, n_folds: int, seed: int, split: bool
) -> tuple[np.ndarray, list[str]]:
    """Return the groups, (N,), with those larger than a fold in parts, and a sentence on each.

    Without `split` groups stay as they are, and are told alone.
    """
    names, group_of_example, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fold = max(groups.size // n_folds, 1)
    result, notes = groups.copy(), []
    for at in np.flatnonzero(sizes > 1.5 * fold):
        n_parts = int(np.ceil(sizes[at] / fold))
        share = f"`{names[at]}` holds {sizes[at]} of {groups.size} examples, a fold {fold}"
        if not split:
            notes.append(f"{share}: it is kept whole, so folds are uneven")
            continue
        members = np.random.default_rng([seed, int(at)]).permutation(
            np.flatnonzero(group_of_example == at)
        )
        for part, rows in enumerate(np.array_split(members, n_parts)):
            result[rows] = f"{names[at]} ({part + 1})"
        notes.append(f"{share}: it is split at random into {n_parts} parts")
    return result, notes


def _columns(labels: csr_array) -> csr_array:
    """What is to be balanced: a one for each example, and for each label in its class's column."""
    n_examples, n_tasks = labels.shape
    is_high = labels.data > _lower_medians(labels)[labels.indices]
    column = labels.indices + n_tasks * is_high
    classes = csr_array(
        (np.ones(labels.nnz, dtype=np.int64), column, labels.indptr),
        shape=(n_examples, 2 * n_tasks),
    )
    return csr_array(
        hstack([csr_array(np.ones((n_examples, 1), dtype=np.int64)), classes], format="csr")
    )


def _lower_medians(labels: csr_array) -> np.ndarray:
    """For each task the value that parts its labels: below the highest if there are two values."""
    by_task = labels.tocsc()
    medians = np.zeros(labels.shape[1])
    for task, values in enumerate(map(np.sort, np.split(by_task.data, by_task.indptr[1:-1]))):
        if values.size:
            below_top = values[values < values[-1]]
            medians[task] = min(
                values[(values.size - 1) // 2], below_top[-1] if below_top.size else np.inf
            )
    return medians


def _shares(group_of_example: np.ndarray, columns: csr_array) -> csr_array:
    """The share of each column's total that each group holds, int64 (G, C), in units of 2^-28."""
    n_examples = group_of_example.size
    ones = np.ones(n_examples, dtype=np.int64)
    counts = csr_array(csr_array((ones, (group_of_example, np.arange(n_examples)))) @ columns)
    counts.data = counts.data * _WHOLE // counts.sum(axis=0)[counts.indices]
    counts.sort_indices()
    return counts


def _assign(shares: csr_array, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each group: heaviest first, then moved while that helps."""
    n_groups = shares.shape[0]
    # Roughly the heaviest first; the noise makes other seeds give other folds.
    cuts = shares.indptr[1:-1]
    parts = list(zip(np.split(shares.indices, cuts), np.split(shares.data, cuts), strict=True))
    size = np.sqrt([float(share @ share) for _, share in parts])
    order = np.argsort(-size * rng.uniform(0.5, 1, n_groups), kind="stable")
    filled = np.zeros((n_folds, shares.shape[1]), dtype=np.int64)
    folds = np.full(n_groups, -1, dtype=np.int64)
    for _ in range(MAX_PASSES):
        n_moved = 0
        for group in order:
            at, share = parts[group]
            home = folds[group]
            if home >= 0:
                filled[home, at] -= share
            # The objective grows by 2 <filled[f], share> + |share|²; the last term is common.
            cost = filled[:, at] @ share
            best = int(cost.argmin())
            if home >= 0 and cost[home] == cost[best]:
                best = int(home)
            filled[best, at] += share
            n_moved += best != home
            folds[group] = best
        if n_moved == 0:
            break
    return folds
