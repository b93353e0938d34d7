"""The unit that a task is measured in decides nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import STAGES, succeed
from ruamel.yaml import YAML
from small_study import change_params

from cotrain.init import Wishes, make_study

# Few small fits: what is compared is what the numbers of one task do to the others.
QUICK = {
    "learners": {
        "network": {"kind": "network", "hidden": [8], "dropout": 0.0, "epochs": 4,
                    "batch_fraction": 0.1, "learning_rate": 0.02},
        "linear": {"kind": "linear"},
    },
    "plan.subsets.n_subsets": 10,
    "plan.subsets.repeats": 3,
    "plan.placebo.n_subsets": 0,
    "plan.augmentations.repeats": 1,
    "plan.affinity.repeats": 1,
    "group.trials": 50,
    "validate.repeats": 2,
    "validate.random_groupings": 1,
}  # fmt: skip


def table(factor: float) -> pd.DataFrame:
    """Two pairs of tasks of like weights, a fifth of the labels known; task b times `factor`."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6))
    common = rng.normal(size=(6, 2)).repeat(2, axis=1)
    labels = x @ (common + 0.2 * rng.normal(size=(6, 4))) + 0.5 * rng.normal(size=(300, 4))
    labels[rng.random(labels.shape) > 0.4] = np.nan
    labels[:, 1] *= factor
    frame = pd.DataFrame(np.hstack([x, labels]))
    return frame.set_axis(["x1", "x2", "x3", "x4", "x5", "x6", "a", "b", "c", "d"], axis="columns")


def findings(folder: Path, factor: float) -> dict[str, object]:
    """Verdicts, groups, and what is recommended of a study whose task b has another unit."""
    folder.mkdir()
    table(factor).to_csv(folder / "mine.csv", index=False)
    study = folder / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cotrain.init._set_up_repositories", lambda *_: None)
        make_study(study, folder / "mine.csv", Wishes(tasks=("a,b,c,d",), features="columns:*"))
    change_params(study, QUICK)
    for stage in STAGES[:-1]:  # all but the report
        succeed(study, *stage.split())
    yaml = YAML(typ="safe")
    relevance = pd.read_csv(study / "data/analysis/relevance.csv")
    portfolios = pd.read_csv(study / "data/validation/portfolios.csv")
    grouping = yaml.load(study / "data/grouping/grouping.json")
    return {
        "verdicts": relevance[["source", "target", "verdict", "withheld"]].to_csv(index=False),
        "relevance": relevance["relevance"].to_numpy(),
        "groups": grouping["groups"],
        "surrogate": grouping["surrogate"],
        "chosen": portfolios.loc[portfolios["chosen"], "portfolio"].tolist(),
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return findings(tmp_path_factory.mktemp("units") / "plain", 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e3, 1e7, 1e-3])
def test_the_unit_of_a_task_changes_no_verdict_and_no_recommendation(plain, tmp_path, factor):
    scaled = findings(tmp_path / "scaled", factor)
    for name in ("verdicts", "groups", "surrogate", "chosen"):
        assert scaled[name] == plain[name], name
    np.testing.assert_allclose(scaled["relevance"], plain["relevance"], rtol=0.05, atol=0.01)
