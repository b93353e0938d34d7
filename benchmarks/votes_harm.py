"""How well surrogates, gradients and votes tell which labelling functions hurt.

    python benchmarks/votes_harm.py TABLE --votes 'lf*' --label label --features text:text

TABLE and options are those of `cotrain votes`. In every repeat, rows of validation and test are
dealt anew: as many as validation has are given to each way to tell, half of them to train on beside
the votes, half to choose by; the others judge. A function, or a set of them, hurts where the end
model scores less on those with its votes than without. No way sees the judging rows.
"""

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from cotrain.gradients import AffinityRecorder, masked_mean
from cotrain.reliability import paired_interval
from cotrain.surrogates import DesignWarning, LinearSurrogate, classify
from cotrain.training._threads import one_thread
from cotrain.votes import read_votes
from cotrain.votes._choose import EndModel
from cotrain.votes._table import VoteTable
from lab.kernel_surrogate import KernelSurrogate
from surrogates import markdown

SCORES = ("accuracy", "log probability")
CHOOSING, JUDGING = 0, 1
N_SUBSETS, N_HELD_OUT, N_BASES = 100, 40, 4
EPOCHS, BATCH, OWN_IN_BATCH, RATE = 10, 128, 32, 0.01
AFFINITY = "gradient affinity"
FIGURES = ["F1, hurts", "balanced accuracy", "Spearman"]
# What is judged, and how a way foretells it.
JUDGED = {
    "one function": "joins the target's own labels",
    "one of many": f"joins or leaves {N_BASES} random sets, on average",
    "a set": f"{N_HELD_OUT} random sets join the target's own labels",
}


class Fits:
    """Scores of the end model, trained on some of the target's labels and on functions' votes."""

    def __init__(self, table: VoteTable, rng: np.random.Generator) -> None:
        valid, test = table.known("valid"), table.known("test")
        dealt = rng.permutation(np.concatenate([valid, test]))
        self.given, judging = dealt[: valid.size], dealt[valid.size :]
        own, choosing = np.array_split(self.given, 2)
        self._table, self._own = table, table.labels_of(own)
        self._rows, self._n_choosing = np.concatenate([choosing, judging]), choosing.size
        self._model = EndModel(table.features, len(table.classes))

    def score(self, members: np.ndarray) -> np.ndarray:
        """By each score, on choosing and judging rows, (2, 2)."""
        labels = np.maximum(self._own, self._table.voted(members.astype(bool)))
        found = self._model.log_probabilities(labels, self._rows)
        truth = self._table.truth[self._rows]
        each = np.stack([found.argmax(axis=1) == truth, found[np.arange(truth.size), truth]])
        return np.stack(
            [part.mean(axis=1) for part in np.split(each, [self._n_choosing], axis=1)], axis=1
        )

    def scores(self, sets: np.ndarray) -> np.ndarray:
        """Of sets (…, m), (…, 2, 2)."""
        flat = np.stack([self.score(members) for members in sets.reshape(-1, sets.shape[-1])])
        return flat.reshape(*sets.shape[:-1], 2, 2)


@dataclass(frozen=True, eq=False)
class Effects:
    """Changes of a score: of one function (m,), of one of many (m,), of a set (n,)."""

    one: np.ndarray
    of_many: np.ndarray
    of_set: np.ndarray

    @classmethod
    def of_each(cls, effect: np.ndarray, sets: np.ndarray) -> "Effects":
        """A set does what its functions do on average."""
        return cls(effect, effect, sets @ effect / sets.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Trained:
    """Fits of one repeat; the scores are (…, 2, 2) as `Fits.score` gives them."""

    table: VoteTable
    fits: Fits
    subsets: np.ndarray  # whose scores on choosing rows surrogates learn from, (n, m)
    held_out: np.ndarray  # (n', m)
    scores: np.ndarray  # of the subsets
    none: np.ndarray  # of the target's own labels alone
    alone: np.ndarray  # of one function each
    sets: np.ndarray  # of the held-out sets
    with_it: np.ndarray  # of random sets with each function, (N_BASES, m, …)
    without: np.ndarray

    @classmethod
    def of(cls, table: VoteTable, rng: np.random.Generator) -> "Trained":
        m = len(table.functions)
        drawn = np.zeros((N_SUBSETS + N_HELD_OUT, m))
        for row in drawn:
            row[rng.choice(m, rng.integers(1, m), replace=False)] = 1
        subsets, held_out = drawn[:N_SUBSETS], drawn[N_SUBSETS:]
        fits, each = Fits(table, rng), np.eye(m)
        bases = held_out[:N_BASES]
        with_it, without = each_joins(bases)
        return cls(
            table, fits, subsets, held_out, fits.scores(subsets), fits.score(np.zeros(m)),
            fits.scores(each), fits.scores(held_out), fits.scores(with_it), fits.scores(without),
        )  # fmt: skip

    def measured(self, by: int, rows: int) -> Effects:
        """What fits with and without show on some rows."""
        at = (..., by, rows)
        many = (self.with_it[at] - self.without[at]).mean(axis=0)
        return Effects(self.alone[at] - self.none[at], many, self.sets[at] - self.none[at])

    def by_fits(self, by: int) -> dict[str, Effects]:
        """What fits tell on choosing rows: of subsets, of each alone, of what is judged."""
        score, none = self.scores[:, by, CHOOSING], self.none[by, CHOOSING]
        measured = self.measured(by, CHOOSING)
        return {
            "linear surrogate": self._surrogate(LinearSurrogate().fit(self.subsets, score), none),
            "kernel surrogate": self._surrogate(KernelSurrogate().fit(self.subsets, score), none),
            "each alone, on choosing rows": Effects.of_each(measured.one, self.held_out),
            "itself, on choosing rows": measured,
        }

    def without_fits(self) -> dict[str, Effects]:
        """What gradients of one training tell, and the votes themselves."""
        affinity, cosine = affinities(self.table, self.fits.given)
        effects = {
            AFFINITY: affinity,
            "gradient cosine": cosine,
            "votes and labels correlate": agreement(self.table, self.fits.given),
        }
        return {name: Effects.of_each(each, self.held_out) for name, each in effects.items()}

    def _surrogate(self, model: LinearSurrogate | KernelSurrogate, none: float) -> Effects:
        m = self.subsets.shape[1]
        nothing = model.predict(np.zeros((1, m)))
        with_it, without = (
            model.predict(sets.reshape(-1, m)).reshape(N_BASES, m)
            for sets in each_joins(self.held_out[:N_BASES])
        )
        return Effects(
            model.predict(np.eye(m)) - nothing,
            (with_it - without).mean(axis=0),
            model.predict(self.held_out) - none,
        )


def each_joins(bases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sets (b, m) with each function and without it, (b, m, m) each."""
    each = np.eye(bases.shape[1])
    return np.maximum(bases[:, None], each), bases[:, None] * (1 - each)


def agreement(table: VoteTable, rows: np.ndarray) -> np.ndarray:
    """Correlation of each function's votes with the labels of rows, over classes, (m,).

    That of having voted for a class with being of it; 0 where nothing was voted.
    """
    classes = np.arange(len(table.classes))
    truth = (table.truth[rows, None] == classes).ravel().astype(float)
    votes = (table.votes[rows][:, :, None] == classes).swapaxes(0, 1).reshape(-1, truth.size)
    voted = votes - votes.mean(axis=1, keepdims=True)
    size = np.sqrt(np.square(voted).sum(axis=1) * np.square(truth - truth.mean()).sum())
    return np.asarray(voted @ (truth - truth.mean()) / np.maximum(size, 1e-12))


def affinities(table: VoteTable, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Affinity and cosine of each function for the target, (m,) each.

    Recorded while softmax regression learns from all of them, each loss with the same weight.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    features = table.features.tocsr()
    model = nn.Linear(features.shape[1], len(table.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def losses(batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        said = nn.functional.log_softmax(model(x), dim=1).gather(1, y.clamp(min=0))
        return masked_mean(-said, y >= 0)

    recorder = AffinityRecorder(model, losses, model.parameters(), optimizer=optimizer)
    labels = np.column_stack([table.votes, table.labels_of(own)])
    labels[own, :-1] = -1
    voted = np.flatnonzero((table.part == "train") & (table.votes >= 0).any(axis=1))
    for _ in range(EPOCHS):
        order = rng.permutation(voted)
        for rows in np.array_split(order, max(len(order) // BATCH, 1)):
            rows = np.concatenate([rows, rng.choice(own, OWN_IN_BATCH, replace=False)])
            x = torch.as_tensor(features[rows].toarray(), dtype=torch.float32)
            batch = (x, torch.as_tensor(labels[rows]))
            recorder.step(batch)
            optimizer.zero_grad()
            losses(batch).nanmean().backward()
            optimizer.step()
    affinity, cosine = (np.nan_to_num(of[-1, :-1]) for of in (recorder.affinity_, recorder.cosine_))
    return affinity, cosine


def by_class(table: VoteTable) -> pd.DataFrame:
    """The affinities of the first repeat's functions, by the class that each votes for most."""
    given = Fits(table, np.random.default_rng(0)).given
    affinity, _ = affinities(table, given)
    classes = np.arange(len(table.classes))
    voted = (table.votes[:, :, None] == classes).sum(axis=0).argmax(axis=1)
    rows = [
        [table.classes[c], np.mean(table.truth[given] == c), np.sum(voted == c),
         affinity[voted == c].min(), affinity[voted == c].max()]
        for c in np.unique(voted)
    ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["class", "share", "functions", "least affinity", "greatest affinity"]
    )


def judged(truth: np.ndarray, foretold: np.ndarray) -> dict[str, float]:
    """How well the signs and the order of effects were foretold."""
    found = classify(truth < 0, foretold < 0, -foretold)
    constant = np.ptp(truth) == 0 or np.ptp(foretold) == 0
    return {
        "F1, hurts": found.f1,
        "balanced accuracy": found.balanced_accuracy,
        "Spearman": np.nan if constant else float(spearmanr(truth, foretold).statistic),
    }


def repeat(table: VoteTable, seed: int) -> list[dict]:
    """A row for each score, what is judged, and way to tell."""
    rng = np.random.default_rng(seed)
    trained, rows = Trained.of(table, rng), []
    without_fits = trained.without_fits()
    for by, score in enumerate(SCORES):
        truth, ways = trained.measured(by, JUDGING), trained.by_fits(by) | without_fits
        for what, of in zip(JUDGED, ("one", "of_many", "of_set"), strict=True):
            effect = getattr(truth, of)
            told = {name: getattr(way, of) for name, way in ways.items()}
            told |= {"always hurts": -np.ones_like(effect)}
            told |= {
                "always the commoner sign": np.where(np.median(effect) < 0, -1, 1) + 0 * effect
            }
            told |= {"at random": rng.normal(size=effect.size)}
            rows += [
                {"score": score, "judged": what, "way": name, "repeat": seed,
                 "hurt": np.mean(effect < 0), **judged(effect, values)}
                for name, values in told.items()
            ]  # fmt: skip
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over repeats, a row a way, and what each has more than the affinity.

    With 95 % intervals over repeats, whose rows are dealt from the same ones.
    """
    found = []
    for (score, what, way), part in rows.groupby(["score", "judged", "way"], sort=False):
        rival = rows[
            (rows["score"] == score) & (rows["judged"] == what) & (rows["way"] == AFFINITY)
        ]
        values, others = (each[FIGURES].to_numpy(float) for each in (part, rival))
        cells = [*_cells(values), *([""] * 3 if way == AFFINITY else _cells(values - others, "+"))]
        found.append([score, what, f"{part['hurt'].mean():.2f}", way, *cells])
    more = [f"{figure}, over affinity" for figure in FIGURES]
    return pd.DataFrame(found, columns=["score", "judged", "hurt", "way", *FIGURES, *more])


def _cells(values: np.ndarray, sign: str = "") -> list[str]:
    """Mean and interval of each column; blank where fewer than two repeats have it."""
    ends = zip(
        *(getattr(paired_interval(values), at) for at in ("estimate", "low", "high")), strict=True
    )
    return [
        "" if np.isnan(low) else f"{mean:{sign}.2f} ({low:.2f} to {high:.2f})"
        for mean, low, high in ends
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--votes", nargs="+", default=["lf*"])
    parser.add_argument("--label", default="label")
    parser.add_argument("--features", default="text:text")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="every repeat's figures, as CSV; goes on from it")
    arguments = parser.parse_args()
    table = read_votes(arguments.table, arguments.votes, arguments.label, arguments.features)
    warnings.simplefilter("ignore", DesignWarning)
    known = arguments.out is not None and arguments.out.exists()
    rows = pd.read_csv(arguments.out).to_dict("records") if known else []
    with one_thread():
        for seed in sorted({*range(arguments.repeats)} - {row["repeat"] for row in rows}):
            start = time.process_time()
            rows += repeat(table, seed)
            took = time.process_time() - start
            print(f"repeat {seed + 1} of {arguments.repeats}, {took:.0f} s", flush=True)
            if arguments.out:
                pd.DataFrame(rows).to_csv(arguments.out, index=False)
    print(f"{markdown(summary(pd.DataFrame(rows)))}\n\n{markdown(by_class(table))}")


if __name__ == "__main__":
    main()
