"""All measures of what one task does to another as matrices in one order, and their heat maps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from cotrain.arrays import Array, Bools
from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._svg import DIVERGING, INK, Picture, label
from cotrain.tables import pair_matrix

# More tasks than this: names are given to every n-th row only; no signs are drawn in the cells.
_MOST, _MOST_SMALL = 45, 20
_FADED = 0.3
# Of a colour bar. Of more than 50 matplotlib makes an image, and two that are alike share their id.
_N_COLOURS = 48
_MISSING = "#dddddd"


@dataclass(frozen=True, eq=False)
class Matrix:
    """An effect of sources (columns) on targets (rows), (K, K)."""

    values: Array  # NaN where unknown and on the diagonal
    is_decided: Bools


def heat_map(shown: Matrix, names: list[str], source: str, unit: str, limit: float) -> Figure:
    """Return one heat map to ± `limit`: undecided cells faded, decided ones with their sign."""
    size = float(np.clip(0.26 * len(names), 2.2, 8.0))  # inches of the square
    figure = Figure(figsize=(size + 2.6, size + 1.6), layout="constrained")
    axes = figure.add_subplot()
    _paint(axes, shown, names, limit)
    axes.set(xlabel=source, ylabel="target")
    _colour_bar(axes, shown, limit, unit)
    return figure


def heat_maps(shown: dict[str, Matrix], names: list[str]) -> Figure:
    """Return several heat maps side by side in one order, each on its own scale."""
    size = 2.9
    figure = Figure(figsize=(len(shown) * size + 1.5, size + 1.1), layout="constrained")
    for at, (title, one) in enumerate(shown.items()):
        axes = figure.add_subplot(1, len(shown), at + 1)
        limit = colour_limit(one.values)
        _paint(axes, one, names, limit, small=True)
        axes.set(title=title, xlabel="source", xticklabels=[], ylabel="" if at else "target")
        if at:
            axes.set_yticklabels([])
        _colour_bar(axes, one, limit, "", location="bottom")
    return figure


def _paint(axes: Axes, shown: Matrix, names: list[str], limit: float, small: bool = False) -> None:
    """Colours, and names; signs of what is decided unless the map is `small`."""
    n_tasks = len(names)
    colours = DIVERGING((np.nan_to_num(shown.values) / limit + 1) / 2)
    weight = np.where(shown.is_decided, 1.0, _FADED)[:, :, None]
    colours[..., :3] = weight * colours[..., :3] + (1 - weight)
    # "none": every cell is one pixel of the embedded image, sharp at any size.
    axes.set_facecolor(_MISSING)
    colours[np.isnan(shown.values)] = (0.867, 0.867, 0.867, 1.0)
    axes.imshow(colours, interpolation="none", aspect="equal")
    axes.grid(visible=False)
    if n_tasks <= _MOST and not small:
        _signs(axes, shown, n_tasks, limit)
        axes.set_xticks(np.arange(n_tasks + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(n_tasks + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.8)
        axes.tick_params(which="minor", length=0)
    ticks = np.arange(0, n_tasks, -(-n_tasks // (_MOST_SMALL if small else _MOST)))
    texts = [label(names[at], 22) for at in ticks]
    font = 8 if n_tasks <= 30 else 6.5
    axes.set_xticks(ticks, texts, rotation=90, fontsize=font)
    axes.set_yticks(ticks, texts, fontsize=font)
    axes.spines[:].set_visible(False)


def _signs(axes: Axes, shown: Matrix, n_tasks: int, limit: float) -> None:
    size = float(np.clip(110 / n_tasks, 3.2, 8))
    for marker, chosen in (("+", shown.values > 0), ("_", shown.values < 0)):
        rows, columns = np.nonzero(chosen & shown.is_decided)
        is_dark = np.abs(shown.values[rows, columns]) > 0.45 * limit
        for colour, here in (("white", is_dark), (INK, ~is_dark)):
            axes.plot(columns[here], rows[here], marker, color=colour, ms=size, mew=size / 4.5)


def _colour_bar(
    axes: Axes, shown: Matrix, limit: float, unit: str, location: str = "right"
) -> None:
    """A bar from - `limit` to `limit`, or from 0 where no effect is below it."""
    start = 0.0 if (shown.values[~np.isnan(shown.values)] >= 0).all() else -1.0
    colours = ListedColormap(DIVERGING(np.linspace((start + 1) / 2, 1, _N_COLOURS)))
    scale = ScalarMappable(Normalize(start * limit, limit), colours)
    bar = axes.figure.colorbar(scale, ax=axes, location=location, shrink=0.7, aspect=24, pad=0.02)
    if bar.solids is not None:
        bar.solids.set_edgecolor("face")  # no white lines between the colours
    bar.outline.set_visible(False)
    bar.ax.grid(visible=False)
    bar.ax.locator_params(nbins=3 if location == "bottom" else 7)
    if unit:
        bar.set_label(unit)


def colour_limit(values: Array, share: float = 0.99) -> float:
    """Return the colour scale's end: a few extreme cells may not bleach this share of them."""
    known = np.abs(values[~np.isnan(values)])
    limit = float(np.quantile(known, share)) if known.size else 0.0
    return limit or 1.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """The measures of ordered pairs of tasks that a study has; related tasks lie side by side."""

    tasks: list[str]
    matrices: dict[str, Matrix]

    @classmethod
    def of(cls, findings: Findings) -> "Pairs":
        shares = facts.shares(findings)
        is_told = shares["share"].min() != shares["share"].max()  # not the same for all pairs
        tasks = list(findings.tasks)
        order = _clustered(pair_matrix(findings.relevance, tasks, "relevance"), tasks)
        matrices = {}
        for name, table, effect in (
            ("surrogate relevance", findings.relevance, "relevance"),
            ("statTAG", findings.pairwise.rename(columns={"auxiliary": "source"}), "effect"),
            ("exchange rate", facts.exchange_rates(findings), "exchange_rate"),
            ("affinity", findings.affinity, "affinity"),
            ("gradient cosine", findings.affinity, "cosine"),
            ("examples in common", shares if is_told else None, "share"),
        ):
            if table is None or (table.empty and name not in ("surrogate relevance", "statTAG")):
                continue
            values = pair_matrix(table, order, effect)
            is_decided = ~np.isnan(values)
            if "verdict" in table:
                decided = table.assign(decided=table["verdict"].isin(["helps", "hurts"]))
                is_decided &= pair_matrix(decided, order, "decided") == 1
            matrices[name] = Matrix(values, is_decided)
        return cls(order, matrices)

    def heat_map(
        self, name: str, title: str, measure: str, unit: str, limit: float | None = None
    ) -> list[Picture]:
        """Return the figure `name` of a measure; none if nothing is known of it."""
        shown = self.matrices[measure]
        if np.isnan(shown.values).all():
            return []
        end = limit or colour_limit(shown.values)
        source = "auxiliary" if measure == "statTAG" else "source"
        return [Picture(name, title, lambda: heat_map(shown, self.tasks, source, unit, end))]

    def side_by_side(self, name: str, title: str) -> list[Picture]:
        """Return the figure `name` of the measures that are known; none without affinities."""
        measures = ("affinity", "examples in common", "surrogate relevance", "statTAG")
        every = {name: self.matrices[name] for name in measures if name in self.matrices}
        shown = {name: one for name, one in every.items() if not np.isnan(one.values).all()}
        if "affinity" not in shown:
            return []
        return [Picture(name, title, lambda: heat_maps(shown, self.tasks))]

    def rank_correlations(self) -> pd.DataFrame:
        """Return rank correlations between measures, over the pairs that both know.

        NaN where one of them is constant or they have fewer than 3 pairs in common.
        """
        flat = pd.DataFrame({name: one.values.ravel() for name, one in self.matrices.items()})
        return flat.corr("spearman", min_periods=3)


def _clustered(values: np.ndarray, tasks: list[str]) -> list[str]:
    """The tasks so that those which act and react alike lie side by side.

    Average linkage over each task's row and column; unknown effects count as none.
    """
    if len(tasks) < 3:
        return tasks
    filled = np.nan_to_num(values)
    tree = linkage(
        pdist(np.hstack([filled, filled.T])), "average", optimal_ordering=len(tasks) <= 100
    )
    return [tasks[at] for at in leaves_list(tree)]
