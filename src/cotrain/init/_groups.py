"""Groups of rows as tasks: which columns may be features of them."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cotrain.init._columns import Column, words_of
from cotrain.sources import join_columns, read_cells

# Beside groups of rows; of molecules it may well be a task.
_WEIGHT = re.compile(r"p?weights?")
# A column with a cut that hardly any row of one class passes, and so much of the other, is the
# label in other words, or part of what it was made of. So is one that orders real labels so well.
_HARDLY_ANY, _GIVEN_AWAY, _SAME_ORDER = 0.001, 0.5, 0.95
_FEW = 10


def unusable(
    cells: pd.DataFrame, columns: Sequence[Column], groups: Sequence[str], label: str
) -> dict[str, str]:
    """Return why columns of numbers or of few texts are no features, by name.

    A column with one value in each group says no more than the group, and one gives the label
    away if one cut of it tells half of a class nearly without a mistake, or its order is that of
    real labels. `columns` say what each is taken for; values of `groups` are the tasks.
    """
    group = join_columns([cells[name] for name in groups])
    truth = read_cells(cells[label]).value
    most, what = _GIVEN_AWAY, "one cut tells {:.0%} of a class"
    if truth.nunique() > 2:
        most, what = _SAME_ORDER, "it orders rows as the label does, rank correlation {:.2f}"
    found = {}
    for column in columns:
        name = column.name
        if name in groups or name == label:
            found[name] = "names the group" if name in groups else "the label"
        elif column.role != "task" and column.kind != "category":
            found[name] = column.why
        elif _WEIGHT.fullmatch("_".join(words_of(name))):
            found[name] = "the name says what a row weighs"
        elif cells[name].groupby(group).nunique().max() == 1:
            found[name] = "one value in each group"
        elif (told := _told(cells[name], truth)) >= most:
            is_cut = truth.nunique() > 2 and cells[name][cells[name] != ""].nunique() == 2
            of_label = "one cut of the label tells {:.0%} of one of its two values"
            found[name] = f"gives the label away: {(of_label if is_cut else what).format(told)}"
    return found


def _told(texts: pd.Series, truth: pd.Series) -> float:
    """The share of one class that lies where hardly any of the other does, on a side of a cut.

    A category stands for the mean label of its rows. Of real labels the correlation of ranks, or
    how well a cut of the labels tells a column of two values.
    """
    value = read_cells(texts).value
    if value.notna().mean() < 0.5:
        value = truth.groupby(texts).transform("mean")
    known = value.notna() & truth.notna()
    value, truth = value[known], truth[known]
    if truth.nunique() < 2 or value.nunique() < 2:
        return 0.0
    if truth.nunique() > 2 and value.nunique() > 2:
        return float(abs(np.corrcoef(value.rank(), truth.rank())[0, 1]))
    if truth.nunique() > 2:  # a column of two values may be the labels, cut; few rows are by chance
        value, truth = truth, value
        if truth.value_counts().min() < _FEW:
            return 0.0
    one, other = value[truth == truth.min()], value[truth == truth.max()]
    return max(
        float(share)
        for mine, others in ((one, other), (other, one))
        for share in (
            (mine > others.quantile(1 - _HARDLY_ANY)).mean(),
            (mine < others.quantile(_HARDLY_ANY)).mean(),
        )
    )
