"""Labelling functions of known accuracy: which are chosen, what is recommended, what is read."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cotrain.cli import cotrain
from cotrain.exceptions import DataError
from cotrain.tables import read
from cotrain.votes import compare, read_votes
from cotrain.votes._choose import _best
from cotrain.votes._ways import HIDDEN, simplest

RIGHT = (0.9, 0.85, 0.9, 0.8, 0.15, 0.1, 0.2, 0.9)  # of the votes of each function
OWN, ALL = "end model, validation labels", "end model, all functions"


def made(right=RIGHT, n=300) -> pd.DataFrame:
    """Texts of red and blue words, and what the functions say of them."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 3 * n)
    words = np.array([["red", "rose", "wine", "fire"], ["blue", "sea", "ice", "sky"]])
    texts = [" ".join([*rng.choice(words[c], 2), rng.choice(["it", "is", "so"])]) for c in label]
    table = pd.DataFrame({"split": np.repeat(["train", "valid", "test"], n), "text": texts})
    table["label"] = label
    for at, share in enumerate(right):
        vote = np.where(rng.random(3 * n) < share, label, 1 - label).astype(float)
        table[f"lf{at}"] = np.where(rng.random(3 * n) < 0.4, vote, np.nan)
    return table


def votes_of(folder: Path, table: pd.DataFrame, votes="lf*", label="label", features="text:text"):
    table.to_csv(folder / "table.csv", index=False)
    return read_votes(folder / "table.csv", [votes], label, features)


@pytest.fixture(scope="module", autouse=True)
def _few_subsets():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cotrain.votes._choose._SUBSETS", 60)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    table = votes_of(tmp_path_factory.mktemp("votes"), made())
    return table, compare(table)


def test_functions_that_are_wrong_are_told_from_those_that_are_right(found):
    table, comparison = found
    choice, right = comparison.choice, np.array(RIGHT) > 0.5
    effect, verdict = choice.effects.estimate[-1, :-1], choice.effects.verdict[-1, :-1]
    assert table.functions == tuple(f"lf{at}" for at in range(8))
    assert effect[right].min() > effect[~right].max()
    assert not choice.members[~right].any()
    assert choice.members.sum() >= 2
    assert "hurts" not in verdict[right]
    assert "hurts" in verdict[~right]
    assert "helps" not in verdict[~right]
    assert choice.spearman > 0.5


def test_what_is_recommended_beats_all_functions_on_test_labels(found):
    ways = found[1].ways.set_index("way")
    assert ways["recommended"].sum() == 1
    assert ways.loc[found[1].recommended, "recommended"]
    assert ways.loc[ALL, "low"] > 0
    gain = ways.loc[found[1].recommended, "test_accuracy"] - ways["test_accuracy"]
    assert np.allclose(ways["difference"], gain)


def test_training_labels_are_read_for_the_way_that_names_them_alone(found, tmp_path):
    turned = made()
    train = turned["split"] == "train"
    turned.loc[train, "label"] = 1 - turned.loc[train, "label"]
    other = compare(votes_of(tmp_path, turned))
    one, two = found[1].ways.set_index("way"), other.ways.set_index("way")
    pd.testing.assert_frame_equal(one.drop(HIDDEN), two.drop(HIDDEN))
    assert one.loc[HIDDEN, "test_accuracy"] > 0.9 > 0.1 > two.loc[HIDDEN, "test_accuracy"]
    unknown = made()
    unknown.loc[train, "label"] = np.nan
    assert (votes_of(tmp_path, unknown).truth[:300] == -1).all()


def test_labels_that_are_held_out_choose_nothing():
    """Whatever they say is NaN here, and would be in the choice."""
    rng = np.random.default_rng(0)
    subsets = rng.random((60, 6)) < 0.6
    effect = np.array([3.0, -1, 2, -2, 1, -3])
    seen = np.arange(10) < 8

    def goodness(members):
        return np.where(seen, members @ effect, np.nan)

    scores = np.stack([goodness(row) for row in subsets])
    chosen = _best(goodness, subsets, scores, seen)
    assert chosen.tolist() == (effect > 0).tolist()


def test_functions_that_know_nothing_leave_the_validation_labels_own_model(tmp_path):
    found = compare(votes_of(tmp_path, made(right=[0.5] * 6)))
    assert found.recommended == OWN
    assert found.probability.shape == (900, 2)


def test_functions_that_cannot_be_told_apart_are_refused(tmp_path):
    table = made(n=60)
    functions = [name for name in table if name.startswith("lf")]
    table[functions] = table[functions].mask(table[functions] == 0, 1.0)  # of one class
    with pytest.raises(DataError, match="8 functions do not differ on 60 validation labels"):
        compare(votes_of(tmp_path, table))


def test_the_simplest_way_within_a_standard_error_of_the_best_is_recommended():
    rng = np.random.default_rng(0)
    best = rng.random(400) < 0.9
    near, far = best.copy(), best.copy()
    near[np.flatnonzero(best)[0]] = False
    far[np.flatnonzero(best)[:40]] = False
    right = pd.DataFrame({"far": far, "near": near, "best": best}).astype(float)
    assert simplest(right) == "near"
    assert simplest(right[["far", "best"]]) == "best"


def test_a_majority_is_clear_or_none_and_of_training_rows(found):
    table, _ = found
    voted = table.voted(np.ones(8, dtype=bool))
    ones, zeros = ((table.votes == c).sum(axis=1) for c in (1, 0))
    wanted = np.where(ones > zeros, 1, np.where(zeros > ones, 0, -1))
    assert (voted[:300] == wanted[:300]).all()
    assert (voted[300:] == -1).all()
    assert (wanted[:300] == -1).any()


def test_classes_are_read_however_they_are_written(tmp_path):
    table = made().astype({"label": object})
    words = {0: "Ham", 1: "Spam"}
    spelled = table.assign(label=table["label"].map(words))
    for at in range(8):
        spelled[f"lf{at}"] = table[f"lf{at}"].map(words).fillna("-1" if at % 2 else "")
    plain, read = votes_of(tmp_path, table), votes_of(tmp_path, spelled)
    assert read.classes == ("Ham", "Spam")
    assert (read.votes == plain.votes).all()  # 1.0 is the class 1
    assert (read.truth == plain.truth).all()


def test_minus_one_is_a_class_where_validation_rows_have_it(tmp_path):
    table = made()
    for name in ["label", *(f"lf{at}" for at in range(8))]:
        table[name] = table[name].replace(0, -1)
    found = votes_of(tmp_path, table)
    assert found.classes == ("-1", "1")
    assert (found.votes == votes_of(tmp_path, made()).votes).all()


def test_functions_that_say_little_are_told(tmp_path):
    table = made()
    table["lf0"], table["lf1"] = np.nan, np.where(np.arange(900) < 5, 1, np.nan)
    table.loc[table["lf2"] == 0, "lf2"] = np.nan
    table.loc[[3, 400], "text"] = ["", " "]
    found = votes_of(tmp_path, table)
    assert found.functions == tuple(f"lf{at}" for at in range(2, 8))
    assert found.notes[-1] == (
        "2 of 900 texts have no word among the features, so that all of theirs are 0"
    )
    assert [note.partition(" functions ")[2] for note in found.notes[:-1]] == [
        "always abstain on training rows and are left out: `lf0`",
        "vote fewer than 10 times on training rows and are left out: `lf1`",
        "vote for one class alone, so they say that class or nothing: `lf2`",
    ]


@pytest.mark.parametrize("column", [None, "name"])
def test_rows_of_a_file_of_features_are_found_by_their_names(tmp_path, column):
    table = made()
    name = pd.Series([f"e{at}" for at in range(900)])
    table["name"] = name
    vectors = np.arange(900, dtype=np.float32)[:, None]
    np.savez(tmp_path / "f.npz", x=vectors[::-1], key=name[::-1].to_numpy(dtype=str))
    table.to_csv(tmp_path / "table.csv", index=False)
    how = (tmp_path / "table.csv", ["lf*"], "label", f"given:{tmp_path / 'f.npz'}")
    found = read_votes(*how, id_column=column)
    assert np.array_equal(found.features, vectors)
    assert any("are found by `key`" in note for note in found.notes)
    np.savez(tmp_path / "f.npz", x=vectors[:-3], key=name[3:].to_numpy(dtype=str))
    with pytest.raises(DataError, match="3 of .* examples have no features, the first is `e0`"):
        read_votes(*how, id_column=column)


@pytest.mark.parametrize(
    ("change", "how", "said"),
    [
        ({}, {"label": "lable"}, "no column `lable`, which `--label` names; did you mean `label`"),
        ({}, {"votes": "vote*"}, "no column `vote\\*`, which `--votes` names"),
        ({}, {"votes": "label"}, "0 columns of --votes vote 10 times"),
        ({}, {"votes": "split"}, "0 columns of --votes vote 10 times"),
        ({}, {"votes": "lf[0-2]"}, "3 columns of --votes vote 10 times .* takes 4"),
        ({}, {"features": "text:body"}, "no column `body`, which `--features` names"),
        ({}, {"features": "molecules"}, "--features must be one of `text`"),
        ({"split": "all"}, {}, "no column says train, valid and test; name it by --split"),
        ({"lf3": 2}, {}, "row 2, column `lf3`: '2' is no class of `label`, which are `0`, `1`"),
        ({"label": np.nan}, {}, "no row of valid has a label in `label`"),
        ({"label": 1}, {}, "all valid rows have one label"),
        ({"label": range(900)}, {}, "`label` has 900 different values, too many for classes"),
    ],
)  # fmt: skip
def test_a_table_that_will_not_do_is_refused_in_a_line(tmp_path, change, how, said):
    with pytest.raises(DataError, match=said):
        votes_of(tmp_path, made().assign(**change), **how)


def test_the_command_writes_its_tables_and_says_what_to_train(tmp_path):
    made(n=60).to_csv(tmp_path / "t.csv", index=False)
    done = CliRunner().invoke(
        cotrain,
        ["votes", str(tmp_path / "t.csv"), "--votes", "lf*", "--label", "label", "--features",
         "text:text", "--by", "log_probability", "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    ways = read(tmp_path / "out", "vote_ways")
    assert (
        f"recommended: {ways.loc[ways['recommended'], 'way'].item()}, the simplest" in done.output
    )
    functions = read(tmp_path / "out", "vote_functions")
    assert sorted(functions["function"]) == [f"lf{at}" for at in range(8)]
    assert functions["effect"].is_monotonic_decreasing
    assert set(read(tmp_path / "out", "vote_predictions")["class"]) == {"0", "1"}


def test_snorkel_s_label_model_is_a_rival_where_it_is_installed(tmp_path, monkeypatch):
    class LabelModel:
        def __init__(self, cardinality, verbose):
            assert cardinality == 2

        def fit(self, votes, n_epochs, seed, progress_bar):
            assert votes.shape == (60, 8)

        def predict(self, votes, tie_break_policy):
            assert tie_break_policy == "abstain"
            return np.where(votes[:, 0] >= 0, votes[:, 0], -1)

    for name in ("snorkel", "snorkel.labeling", "snorkel.labeling.model"):
        module = ModuleType(name)
        module.__spec__ = SimpleNamespace(name=name)
        module.LabelModel = LabelModel
        monkeypatch.setitem(sys.modules, name, module)
    ways = compare(votes_of(tmp_path, made(n=60))).ways["way"].tolist()
    assert "end model, Snorkel's label model" in ways
