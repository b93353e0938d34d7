"""The scores of all tasks of a fit at once, each equal to scikit-learn's or SciPy's."""

import numpy as np

from cotrain.scores._catalogue import SCORES

_COLUMN = {name: column for column, name in enumerate(SCORES)}


def score_tasks(
    task: np.ndarray, truth: np.ndarray, output: np.ndarray, is_binary: np.ndarray
) -> np.ndarray:
    """The scores of each task, float64 (n_tasks, len(SCORES)), a column each in their order.

    NaN where a score does not apply or is undefined: no labels; AUROC, AUPR and D² with one class;
    R², relative absolute error and correlations with fewer than two labels, or with constant labels
    or predictions.

    `task` (n,) is that of each label, in 0 .. n_tasks - 1, in any order; `truth` (n,) are the
    labels, `output` (n,) is what the model says: logits for binary tasks, values for real-valued
    ones. `is_binary` (n_tasks,) is the kind of each task.
    """
    task = np.asarray(task, dtype=np.int64)
    truth = np.asarray(truth, dtype=np.float64)
    output = np.asarray(output, dtype=np.float64)
    result = np.full((is_binary.size, len(SCORES)), np.nan)
    binary = is_binary[task]
    for kind, scores in ((True, _binary_scores), (False, _real_scores)):
        chosen = np.flatnonzero(binary == kind)
        if chosen.size:
            groups, place = np.unique(task[chosen], return_inverse=True)
            for name, values in scores(_Sorted(place, truth[chosen], output[chosen])).items():
                result[groups, _COLUMN[name]] = values
    return result


class _Sorted:
    """Labels sorted by task and output; `task` counts tasks without gaps."""

    def __init__(self, task: np.ndarray, truth: np.ndarray, output: np.ndarray) -> None:
        order = np.lexsort((output, task))
        self.task, self.truth, self.output = task[order], truth[order], output[order]
        self.count = np.bincount(task).astype(np.float64)
        self.start = np.concatenate([[0], np.cumsum(self.count[:-1])]).astype(np.int64)

    def total(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self.start)

    def ranks(self) -> np.ndarray:
        """The rank of each label's output among its task's, from 1, ties averaged."""
        return _average_ranks(self.task, self.output, self.start)


def _average_ranks(task: np.ndarray, value: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Ranks from 1 within each task, ties averaged; sorted by task, then value."""
    first = _tie_starts(task, value)
    size = np.diff(np.append(first, value.size))
    rank = np.repeat(first + (size + 1) / 2, size)
    return np.asarray(rank - start[task])


def _tie_starts(task: np.ndarray, value: np.ndarray) -> np.ndarray:
    new = np.append(True, (np.diff(task) != 0) | (np.diff(value) != 0))
    return np.flatnonzero(new)


def _binary_scores(labels: _Sorted) -> dict[str, np.ndarray]:
    n, n_positive = labels.count, labels.total(labels.truth)
    n_negative = n - n_positive
    logit, truth = labels.output, labels.truth
    log_loss = labels.total(np.logaddexp(0.0, logit) - truth * logit) / n
    both = (n_positive > 0) & (n_negative > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The Mann-Whitney statistic: ranks of the positives above the least possible.
        above = labels.total(truth * labels.ranks()) - n_positive * (n_positive + 1) / 2
        auroc = np.where(both, above / (n_positive * n_negative), np.nan)
        aupr = np.where(both, _average_precision(labels, n_positive), np.nan)
        share = n_positive / n
        base = -(share * np.log(share) + (1 - share) * np.log1p(-share))
        d2 = np.where(both, 1 - log_loss / base, np.nan)
    return {"log_loss": log_loss, "auroc": auroc, "aupr": aupr, "d2": d2}


def _average_precision(labels: _Sorted, n_positive: np.ndarray) -> np.ndarray:
    """The sum over distinct thresholds of the gain in recall times the precision there."""
    first = _tie_starts(labels.task, labels.output)
    task = labels.task[first]
    positives = np.add.reduceat(labels.truth, first)
    before = np.cumsum(labels.truth) - labels.truth
    # Positives at or above a threshold: the task's, less those of lower outputs.
    caught = n_positive[task] - (before[first] - before[labels.start][task])
    predicted = labels.count[task] - (first - labels.start[task])
    gain = positives * caught / predicted
    return np.bincount(task, weights=gain, minlength=n_positive.size) / n_positive


def _real_scores(labels: _Sorted) -> dict[str, np.ndarray]:
    n, task, truth, output = labels.count, labels.task, labels.truth, labels.output
    mse = labels.total((output - truth) ** 2) / n
    centred = truth - (labels.total(truth) / n)[task]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = labels.total(centred**2) / n
        r2 = np.where(_varies(labels, truth), 1 - mse / variance, np.nan)
        pearson = _correlation(labels, truth, output)
        spearman = _correlation(labels, _truth_ranks(labels), labels.ranks())
        error = labels.total(np.abs(output - truth)) / labels.total(np.abs(centred))
        rae = np.where(_varies(labels, truth), error, np.nan)
    return {
        "mse": mse, "r2": r2, "pearson": pearson, "spearman": spearman, "rae": rae, "d2": r2
    }  # fmt: skip


def _truth_ranks(labels: _Sorted) -> np.ndarray:
    order = np.lexsort((labels.truth, labels.task))
    ranks = np.empty(order.size)
    ranks[order] = _average_ranks(labels.task, labels.truth[order], labels.start)
    return ranks


def _correlation(labels: _Sorted, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x - (labels.total(x) / labels.count)[labels.task] for x in (a, b))
    scale = np.sqrt(labels.total(a**2)) * np.sqrt(labels.total(b**2))
    defined = _varies(labels, a) & _varies(labels, b)
    value = np.clip(labels.total(a * b) / scale, -1.0, 1.0)
    return np.where(defined, value, np.nan)


def _varies(labels: _Sorted, values: np.ndarray) -> np.ndarray:
    """Whether a task's values are not all the same."""
    low = np.minimum.reduceat(values, labels.start)
    return np.asarray(np.maximum.reduceat(values, labels.start) > low)
