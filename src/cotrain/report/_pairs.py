"""All measures of what one task does to another, as matrices in one order."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from cotrain.report import _facts as facts
from cotrain.report._findings import Findings
from cotrain.report._heatmaps import Matrix, colour_limit, heat_map, heat_maps
from cotrain.report._svg import Picture
from cotrain.tables import pair_matrix


@dataclass(frozen=True, eq=False)
class Pairs:
    """The measures of ordered pairs of tasks that a study has; related tasks lie side by side."""

    tasks: list[str]
    matrices: dict[str, Matrix]

    @classmethod
    def of(cls, findings: Findings) -> "Pairs":
        found = {
            name: (table, effect)
            for name, table, effect in (
                ("surrogate relevance", findings.relevance, "relevance"),
                ("statTAG", findings.pairwise.rename(columns={"auxiliary": "source"}), "effect"),
                ("exchange rate", facts.exchange_rates(findings), "exchange_rate"),
                ("affinity", findings.affinity, "affinity"),
                ("gradient cosine", findings.affinity, "cosine"),
                ("examples in common", facts.told_overlap(findings), "share"),
            )
            if table is not None and (len(table) or name in ("surrogate relevance", "statTAG"))
        }
        tasks = list(findings.tasks)
        order = _clustered(pair_matrix(findings.relevance, tasks, "relevance"), tasks)
        matrices = {}
        for name, (table, effect) in found.items():
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
