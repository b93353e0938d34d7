"""What is drawn, read back from the figures."""

import io

import numpy as np
import pytest
from matplotlib import style
from matplotlib.figure import Figure

from cotrain.report import _facts as facts
from cotrain.report import _plots, _svg


@pytest.fixture
def findings(make_tables):
    return make_tables(9, affinity=True).load()


def lines(axes):
    return {line.get_label(): np.array(line.get_xydata()) for line in axes.get_lines()}


def test_the_search_is_drawn_as_the_best_so_far_with_warm_starts_and_the_bound(findings):
    best = findings.recommendation.model_copy(update={"bound": 0.46, "is_optimal": False})
    (axes,) = _plots.search(findings.trials.sample(frac=1, random_state=0), best).axes
    drawn = lines(axes)
    number, found = drawn["best found so far"].T
    assert number.tolist() == list(range(1, 201))
    assert found.tolist() == [findings.trials["value"][:n].min() for n in range(1, 201)]
    assert drawn["at a warm start"].tolist() == drawn["best found so far"][:4].tolist()
    assert drawn["proven: none can be better"][:, 1].tolist() == [0.46, 0.46]


def test_a_search_without_warm_starts_or_proof_has_neither(findings):
    trials = findings.trials.assign(warm_start=False)
    best = findings.recommendation.model_copy(update={"bound": np.nan, "is_optimal": False})
    (axes,) = _plots.search(trials, best).axes
    assert list(lines(axes)) == ["best found so far"]


def test_affinity_over_training_is_drawn_at_the_steps_that_know_most_pairs(findings):
    table = facts.affinity_steps(findings)
    spread, agreement = _plots.affinity_steps(table).axes
    assert lines(spread)["the median pair"].tolist() == table[["step", "p50"]].to_numpy().tolist()
    outer, inner = (band.get_paths()[0].vertices[:, 1] for band in spread.collections)
    assert (outer.min(), outer.max()) == (table["p05"].min(), table["p95"].max())
    assert (inner.min(), inner.max()) == (table["p25"].min(), table["p75"].max())
    drawn = agreement.get_lines()[0].get_xydata()
    assert drawn.tolist() == table[["step", "rank_correlation"]].to_numpy().tolist()


def test_a_figure_is_drawn_once_and_looks_as_matplotlib_saves_it():
    drawn = []

    class Seen(Figure):
        def draw(self, renderer):
            drawn.append(renderer)
            super().draw(renderer)

    def build():
        figure = Seen(layout="constrained")
        image, points = figure.subplots(1, 2)
        figure.colorbar(image.imshow([[0.0, 1.0, 2.0]]), label="what it is")
        points.scatter([0, 1], [1000, -1], rasterized=True)
        return figure

    found = _svg.Picture("name", "title", build).svg
    assert len(drawn) == 1
    saved = io.StringIO()
    with style.context(["default", _svg._STYLE]):
        unsaid = {"Date": None, "Creator": None, "Format": None, "Type": None}
        build().savefig(saved, format="svg", metadata=unsaid)
    assert found.split() == saved.getvalue().split()
