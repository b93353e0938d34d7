"""Weak supervision: which labelling functions to train on. `python weak.py TABLE.csv [VOTES]`.

The functions' votes (columns `lf*`, empty: abstains) are the sources; the column `label` is the
target, whose training labels are never read. A subset of functions labels the training rows by
their majority; a logistic regression on TF-IDF of the column `text` is trained on them, and scored
on validation rows. A linear surrogate of that score tells which functions help (arXiv 2303.14582).
"""

import fnmatch
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from cotrain.surrogates import LinearSurrogate, spearman_by_target

N_SUBSETS, N_TRIED, MIN_VOTES = 200, 20, 10


@dataclass(frozen=True, eq=False)
class Rows:
    """Features (n, D) and votes (n, m), class numbers or NaN, of train, valid and test rows.

    `truth` (n,) holds class numbers, and -1 where it must not be known.
    """

    features: dict[str, object]
    votes: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]
    n_classes: int

    def majority(self, part: str, chosen: np.ndarray) -> np.ndarray:
        """The class that most of the chosen functions vote for, (n,); -1 on a tie or no vote."""
        votes = self.votes[part][:, chosen]
        counts = np.stack([(votes == c).sum(axis=1) for c in range(self.n_classes)], axis=1)
        top = counts.max(axis=1, keepdims=True)
        clear = (top[:, 0] > 0) & ((counts == top).sum(axis=1) == 1)
        return np.where(clear, counts.argmax(axis=1), -1)

    def log_probabilities(
        self, chosen: np.ndarray, part: str, labels: np.ndarray | None = None
    ) -> np.ndarray:
        """Log probabilities (n, n_classes) by the end model of `labels`, or of the majority's."""
        label = self.majority("train", chosen) if labels is None else labels
        seen = np.flatnonzero(label >= 0)
        # A label of each class that is spread over all rows: no class is ever impossible.
        share = (np.bincount(label[seen], minlength=self.n_classes) + 1) / (
            seen.size + self.n_classes
        )
        result = np.tile(np.log(share), (self.truth[part].size, 1))
        classes = np.unique(label[seen])
        if classes.size > 1:
            model = LogisticRegression(C=10.0, max_iter=1000)
            model.fit(self.features["train"][seen], label[seen])
            result[:, classes] = np.log(model.predict_proba(self.features[part]) * 0.99 + 1e-4)
        return result - np.log(np.exp(result).sum(axis=1, keepdims=True))

    def score(self, chosen: np.ndarray) -> float:
        """The mean log probability of the true classes of validation rows."""
        truth = self.truth["valid"]
        return float(self.log_probabilities(chosen, "valid")[np.arange(truth.size), truth].mean())


def read(path: str, pattern: str = "lf*") -> tuple[Rows, list[str]]:
    """The rows of a table, and the functions that vote often enough."""
    table = pd.read_csv(path)
    if lacking := [name for name in ("split", "text", "label") if name not in table]:
        sys.exit(f"{path}: no column `{lacking[0]}`; the table needs split, text, label and votes")
    parts = {part: table[table["split"] == part] for part in ("train", "valid", "test")}
    named = fnmatch.filter(table.columns, pattern)
    functions = [name for name in named if parts["train"][name].notna().sum() >= MIN_VOTES]
    if len(functions) < 4:
        sys.exit(f"{path}: {len(functions)} columns `{pattern}` vote {MIN_VOTES} times; needs 4")
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
    words.fit(parts["train"]["text"].fillna(""))
    n_classes = 1 + int(max(table["label"].max(), table[functions].max().max()))
    truth = {part: rows["label"].to_numpy(dtype=int) for part, rows in parts.items()}
    truth["train"] = np.full(len(parts["train"]), -1)
    return Rows(
        {part: words.transform(rows["text"].fillna("")) for part, rows in parts.items()},
        {part: rows[functions].to_numpy(dtype=float) for part, rows in parts.items()},
        truth,
        n_classes,
    ), functions


def choose(rows: Rows, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """The functions to train on, the effect of each (m,), and Spearman on held-out subsets.

    Subsets of half to all functions; effects of a linear surrogate; of the sets of the functions
    with the largest effects the one that scores best on validation rows is taken.
    """
    m = rows.votes["train"].shape[1]
    rng = np.random.default_rng(seed)
    sizes = rng.integers(max(m // 2, 1), m, N_SUBSETS)
    X = np.zeros((N_SUBSETS, m), dtype=bool)
    for row, size in zip(X, sizes, strict=True):
        row[rng.choice(m, size, replace=False)] = True
    y = np.array([rows.score(row) for row in X])
    n_seen = 3 * N_SUBSETS // 4
    held_out = LinearSurrogate().fit(X[:n_seen], y[:n_seen]).predict(X[n_seen:])
    spearman = float(spearman_by_target(y[n_seen:, None], held_out[:, None])[0])
    effect = LinearSurrogate().fit(X, y).coef_
    order = np.argsort(-effect)
    tried = np.unique(np.linspace(1, m, min(m, N_TRIED)).astype(int))
    best = max(tried, key=lambda n: rows.score(np.isin(np.arange(m), order[:n])))
    return np.isin(np.arange(m), order[:best]), effect, spearman


def compare(path: str, pattern: str = "lf*", seed: int = 0) -> pd.DataFrame:
    """Test accuracy of each way, and what the chosen functions gain over it (2.5 %, 97.5 %)."""
    rows, functions = read(path, pattern)
    chosen, effect, spearman = choose(rows, seed)
    every, truth = np.ones(len(functions), dtype=bool), rows.truth["test"]
    commonest = np.bincount(rows.truth["valid"], minlength=rows.n_classes).argmax()

    def voted(which: np.ndarray) -> np.ndarray:
        found = rows.majority("test", which)
        return np.where(found >= 0, found, commonest)

    valid = Rows(
        rows.features | {"train": rows.features["valid"]}, rows.votes, rows.truth, rows.n_classes
    )
    table = pd.read_csv(path, usecols=["split", "label"])
    hidden = table.loc[table["split"] == "train", "label"].to_numpy(dtype=int)
    models = {
        "end model, chosen functions": rows.log_probabilities(chosen, "test"),
        "end model, all functions": rows.log_probabilities(every, "test"),
        "end model of the validation labels": valid.log_probabilities(
            every, "test", rows.truth["valid"]
        ),
        "end model of the hidden training labels": rows.log_probabilities(every, "test", hidden),
    }
    said = {name: found.argmax(axis=1) for name, found in models.items()} | {
        "majority vote, chosen functions": voted(chosen),
        "majority vote, all functions": voted(every),
        "the commonest class": np.full(truth.size, commonest),
    }
    right = pd.DataFrame(said) == truth[:, None]
    draws = np.random.default_rng(seed).integers(0, truth.size, (2000, truth.size))
    gain = right.to_numpy(dtype=float)[:, :1] - right.to_numpy(dtype=float)
    low, high = np.quantile(gain[draws].mean(axis=1), [0.025, 0.975], axis=0)
    found = pd.DataFrame(
        {"accuracy": right.mean(), "gain": gain.mean(axis=0), "low": low, "high": high}
    )
    # What functions are chosen by; votes have no probabilities.
    found["log_probability"] = pd.Series(
        {name: each[np.arange(truth.size), truth].mean() for name, each in models.items()}
    )
    found.attrs = {
        "functions": len(functions), "chosen": int(chosen.sum()), "spearman": spearman,
        "hurt": [functions[at] for at in np.flatnonzero(effect < 0)],
    }  # fmt: skip
    return found


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python weak.py TABLE.csv [PATTERN OF THE VOTES' COLUMNS]")
    result = compare(*sys.argv[1:])
    print(result.round(3).to_string(), result.attrs, sep="\n")
