import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cotrain.analysis import affinity_steps
from cotrain.gradients import AffinityRecord

N_TASKS = 4


def make_record(steps: list[int], seed: int) -> AffinityRecord:
    """A record of made-up affinities with gaps."""
    rng = np.random.default_rng(seed)
    shape = (len(steps), N_TASKS, N_TASKS)
    history = rng.normal(size=shape).astype(np.float32)
    history[rng.random(shape) < 0.2] = np.nan
    history[:, range(N_TASKS), range(N_TASKS)] = np.nan
    blank = np.zeros(shape[1:])
    return AffinityRecord(
        tasks=np.arange(N_TASKS),
        affinity=blank,
        cosine=blank,
        counts=blank,
        undefined=blank,
        history=history,
        steps=np.array(steps),
        epochs=np.array(steps) // 20,
        flops=1,
        record_flops=1,
    )


@pytest.fixture
def records() -> list[AffinityRecord]:
    """Two repeats; the first had one step more, and at step 20 no batch knew a pair."""
    made = [make_record([0, 10, 20, 30, 40], 0), make_record([0, 10, 20, 30], 1)]
    for record in made:
        record.history[2] = np.nan
    return made


@pytest.fixture
def pairs(records) -> pd.DataFrame:
    """Affinities by hand: a row a step, a column a pair, the mean over the repeats that know it."""
    by_step: dict[int, dict[tuple[int, int], list[float]]] = {}
    for record in records:
        for step, matrix in zip(record.steps, record.history, strict=True):
            for (recipient, source), value in np.ndenumerate(matrix):
                if recipient != source:
                    known = by_step.setdefault(int(step), {}).setdefault((recipient, source), [])
                    known.extend([float(value)] if np.isfinite(value) else [])
    return pd.DataFrame(
        {
            step: {pair: np.mean(known) if known else np.nan for pair, known in found.items()}
            for step, found in by_step.items()
        }
    ).T


def test_a_row_a_step_with_its_quantiles_over_pairs(records, pairs):
    table = affinity_steps(records).set_index("step")
    assert table.index.tolist() == [0, 10, 20, 30, 40]
    assert table["n_pairs"].tolist() == pairs.notna().sum(axis=1).tolist()
    for step in (0, 10, 30, 40):
        expected = np.nanquantile(pairs.loc[step], [0.05, 0.25, 0.5, 0.75, 0.95])
        found = table.loc[step, ["p05", "p25", "p50", "p75", "p95"]].astype(float)
        np.testing.assert_allclose(found, expected)
    assert table.loc[20, ["p05", "p50", "p95", "rank_correlation"]].isna().all()
    assert table.loc[20, "n_pairs"] == 0


def test_a_step_is_compared_with_the_others_and_not_with_itself(records, pairs):
    table = affinity_steps(records).set_index("step")
    for step in (0, 10, 30, 40):
        both = pd.DataFrame({"one": pairs.loc[step], "rest": pairs.drop(step).mean()}).dropna()
        expected = stats.spearmanr(both["one"], both["rest"]).statistic
        assert table.loc[step, "rank_correlation"] == pytest.approx(expected)


def test_one_step_has_nothing_to_be_compared_with():
    table = affinity_steps([make_record([0], 0)])
    assert len(table) == 1
    assert table["p50"].notna().all()
    assert table["rank_correlation"].isna().all()
