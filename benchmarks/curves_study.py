"""The learning-curve study of one fit table: every comparison that needs real trainings.

`study(frame)` takes the fit table of a study (one row a fit and task) and returns the tables as
Markdown. The same code runs on simulated tables, so that it is tested before it is used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from cotrain.curves import (
    EXP31,
    EXP32,
    CurveFits,
    Form,
    TransferModel,
    fit_curves,
    pairwise_effects,
)
from cotrain.reliability import paired_interval, split_half_reliability
from lab.extrapolation import extrapolate
from lab.next_fits import next_fits
from lab.pairwise_curves import fit_pairwise_curves, pair_counts


@dataclass(frozen=True, eq=False)
class Runs:
    """A fit table as arrays: counts and scores (n_fits, K), and what each fit was."""

    tasks: tuple[str, ...]
    N: np.ndarray
    Y: np.ndarray
    kinds: np.ndarray
    levels: np.ndarray
    auxiliary: np.ndarray  # index of the task with a fold more, -1 for none
    repeats: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame, score: str = "auroc") -> "Runs":
        """From a fit table with columns fit_id, kind, repeat, level, auxiliary, task, n_labels."""
        frame = frame[frame["kind"] != "group"]
        tasks = tuple(sorted(frame["task"].unique()))
        place = {task: index for index, task in enumerate(tasks)}
        fits = frame.drop_duplicates("fit_id")
        row = frame["fit_id"].map({fit: i for i, fit in enumerate(fits["fit_id"])}).to_numpy()
        column = frame["task"].map(place).to_numpy()
        N, Y = np.zeros((len(fits), len(tasks))), np.full((len(fits), len(tasks)), np.nan)
        N[row, column] = frame["n_labels"].to_numpy()
        sign = -1.0 if score in ("log_loss", "mse") else 1.0
        Y[row, column] = sign * frame[f"val_{score}"].to_numpy(dtype=float)
        auxiliary = [-1 if pd.isna(name) else place[name] for name in fits["auxiliary"]]
        # A task without any score has nothing to be told.
        kept = np.isfinite(Y).any(axis=0)
        return cls(
            tuple(np.array(tasks)[kept]), N[:, kept], Y[:, kept], fits["kind"].to_numpy(str),
            fits["level"].to_numpy(), np.array(auxiliary), fits["repeat"].to_numpy(),
        )  # fmt: skip

    @property
    def blocks(self) -> np.ndarray:
        """The block of each score, (n_fits, K): its repeat, and the task's own training folds."""
        is_auxiliary = self.auxiliary[:, None] == np.arange(len(self.tasks))
        return np.asarray(1000 * self.repeats[:, None] + self.levels[:, None] + is_auxiliary)

    def take(self, rows: np.ndarray) -> "Runs":
        return Runs(
            self.tasks, self.N[rows], self.Y[rows], self.kinds[rows], self.levels[rows],
            self.auxiliary[rows], self.repeats[rows],
        )  # fmt: skip

    def grid(self) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
        """Baseline (R, L, K) and augmented (R, L, K, K) scores of the levels augmented."""
        augmented = self.auxiliary >= 0
        levels = tuple(sorted({int(level) for level in self.levels[augmented]}))
        repeats = sorted(set(self.repeats[augmented].tolist()))
        n_tasks = len(self.tasks)
        base = np.full((len(repeats), len(levels), n_tasks), np.nan)
        more = np.full((len(repeats), len(levels), n_tasks, n_tasks), np.nan)
        whole = (self.N > 0).all(axis=1)
        for row in np.flatnonzero(whole & np.isin(self.levels, levels)):
            if self.repeats[row] not in repeats:
                continue
            at = repeats.index(self.repeats[row]), levels.index(int(self.levels[row]))
            if augmented[row]:
                more[at][self.auxiliary[row]] = self.Y[row]
            else:
                base[at] = self.Y[row]
        return base, more, levels


def study(frame: pd.DataFrame, score: str = "auroc", seed: int = 0) -> str:
    """Every table as Markdown."""
    runs = Runs.of(frame, score)
    if score in ("log_loss", "mse"):  # curves rise to 1
        runs = replace(runs, Y=runs.Y + 1)
    parts = [
        effects_table(runs),
        extrapolation_table(runs, seed),
        held_out_table(runs, seed),
        cheaper_grid_table(runs, seed),
    ]
    return "\n\n".join(parts)


def effects_table(runs: Runs, fdr: float = 0.05) -> str:
    """Verdicts of the statTAG grid, level by level and over levels."""
    base, more, levels = runs.grid()
    off = ~np.eye(len(runs.tasks), dtype=bool)
    rows = []
    parts = [(str(level), slice(at, at + 1)) for at, level in enumerate(levels)]
    for name, part in [*parts, ("all", slice(None))]:
        effects = pairwise_effects(base[:, part], more[:, part], fdr=fdr)
        verdicts = effects.verdict[off]
        waiting = effects.repeats_to_decide[off][verdicts == "undecided"]
        rows.append([
            name, len(base), *(int((verdicts == v).sum()) for v in ("helps", "hurts", "undecided")),
            f"{np.nanmedian(np.abs(effects.effect[off])):.4f}",
            f"{np.nanmedian((effects.high - effects.low)[off]) / 2:.4f}",
            f"{np.median(waiting):.0f}" if waiting.size else "-",
            _reliability(more[:, part] - base[:, part, None]),
        ])  # fmt: skip
    header = ["level", "repeats", "helps", "hurts", "undecided", "median effect",
              "median half-width", "median repeats to decide", "reliability"]  # fmt: skip
    return markdown("Pairwise effects", header, rows)


def _reliability(gains: np.ndarray) -> str:
    """Of how auxiliaries rank for a target, from gains (R, L, K, K) [..., auxiliary, target]."""
    off = ~np.eye(gains.shape[-1], dtype=bool)
    found = split_half_reliability(np.where(off, gains.mean(axis=1), np.nan))
    return f"{found.mean:.2f} ({found.low:.2f}, {found.high:.2f})"


def extrapolation_table(runs: Runs, seed: int = 0) -> str:
    """The highest level foretold from those below it."""
    model = TransferModel(random_state=seed)
    result = extrapolate(
        runs.N, runs.Y, runs.levels, runs.auxiliary, runs.blocks, model=model, random_state=seed
    )
    top = _at_highest_level(runs)
    published = _by_mmf(runs, top)
    if published is not None:
        result = replace(result, predictions={**result.predictions, "MMF of lccv": published})
    rows = [
        [name, f"{error:.4f}", f"{error / result.repeat_noise:.2f}"]
        for name, error in result.errors.items()
    ]
    rows.append(["(noise of repeats)", f"{result.repeat_noise:.4f}", "1.00"])
    table = markdown(
        "Extrapolation", ["predictor", "median absolute error", "over repeat noise"], rows
    )
    share = f"{result.interval_coverage:.3f}"
    return f"{table}\n\nScores within the transfer model's 95 % interval for a new fit: {share}."


def _at_highest_level(runs: Runs) -> np.ndarray:
    """The fits of all tasks at the highest level, as `extrapolate` takes them."""
    whole = (runs.N > 0).all(axis=1) & (runs.auxiliary < 0)
    return whole & (runs.levels == runs.levels[whole].max())


def _by_mmf(runs: Runs, top: np.ndarray) -> np.ndarray | None:
    """The curve that LCCV extrapolates by (Mohr and van Rijn, arXiv 2111.13914), if installed.

    Its authors' code, given each task's mean score at each level below; (n_top, K).
    """
    try:
        from lccv.lccv import EmpiricalLearningModel
    except ImportError:
        return None
    below = (runs.N > 0).all(axis=1) & (runs.auxiliary < 0) & (runs.levels < runs.levels[top][0])
    predicted = np.full(runs.N[top].shape, np.nan)
    for task in range(len(runs.tasks)):
        known = below & np.isfinite(runs.Y[:, task])
        curve = pd.DataFrame(
            {"anchor": runs.N[known, task], "score_test_auroc": runs.Y[known, task]}
        )
        model = object.__new__(EmpiricalLearningModel)  # it would train models of its own
        model.base_scoring = ("auroc", None)
        model.df = curve.groupby(runs.levels[known]).mean()
        if len(model.df) > 1:
            predicted[:, task] = model.get_mmf()[1](runs.N[top, task])
    return predicted


def _pair_scores(pairs: CurveFits, N: np.ndarray) -> np.ndarray:
    """Scores at counts N (n, K) by every curve, (n, K, K): [row, target, auxiliary]."""
    n_tasks = N.shape[1]
    tasks = range(n_tasks)
    counts = np.stack([pair_counts(N, i, j) for i in tasks for j in tasks])
    return pairs.predict(counts).T.reshape(len(N), n_tasks, n_tasks)


def held_out_table(runs: Runs, seed: int = 0) -> str:
    """Transfer model against EXP3.3 pair by pair and single curves, on fits of both kinds."""
    held = _held_out(runs, 0.25, seed)
    seen = runs.take(~held)
    model = TransferModel(random_state=seed)
    model.fit(seen.N, seen.Y, seen.blocks)
    pairs = fit_pairwise_curves(seen.N, seen.Y, seen.auxiliary, random_state=seed)
    left = runs.take(held)
    predictors: dict[str, Callable[[Runs], np.ndarray]] = {
        "transfer model": lambda part: model.predict(part.N),
        "EXP3.3 by pairs": lambda part: _by_pairs(_pair_scores(pairs, part.N), part),
        "EXP3.2 by task": lambda part: _by_own(seen, part, EXP32),
        "EXP3.1 by task": lambda part: _by_own(seen, part, EXP31),
        "task's mean": lambda part: np.tile(np.nanmean(seen.Y, axis=0), (len(part.N), 1)),
    }
    predictions = {
        name: predict(left) + _offsets(predict(seen), seen, left)
        for name, predict in predictors.items()
    }
    rows = []
    for kind in ("augmentation", "subset"):
        of_kind = left.kinds == kind
        if not of_kind.any():
            continue
        known = np.isfinite(left.Y[of_kind])
        for predicted in predictions.values():
            known &= np.isfinite(predicted[of_kind])
        reference = _by_task(predictions["EXP3.3 by pairs"], left, of_kind, known)
        for name, predicted in predictions.items():
            error = _by_task(predicted, left, of_kind, known)
            gap = paired_interval(error - reference)
            rows.append([
                kind, name, f"{np.nanmean(error):.4f}",
                f"{gap.estimate:+.4f} ({gap.low:+.4f}, {gap.high:+.4f})",
            ])  # fmt: skip
    header = ["held-out fits", "predictor", "RMSE, mean over tasks", "less EXP3.3 by pairs (95 %)"]
    return markdown("Held-out fits", header, rows)


def cheaper_grid_table(runs: Runs, seed: int = 0, truth: np.ndarray | None = None) -> str:
    """Exchange rates from a part of the grid: chosen by information, or at random.

    The single-task and level fits are always there; the grid is its augmentations. Random subsets
    may be chosen too in the rows that say so.
    """
    plain = np.flatnonzero((runs.auxiliary < 0) & (runs.kinds != "subset"))
    grid = np.flatnonzero(runs.auxiliary >= 0)
    subsets = np.flatnonzero(runs.kinds == "subset")
    rng = np.random.default_rng(seed)
    full = _rates(runs, np.r_[plain, grid], seed)
    rows = []
    for share in (1 / 6, 1 / 3):
        n = round(share * len(grid))
        ways = {
            "augmentations, random": [rng.choice(grid, n, replace=False) for _ in range(5)],
            "augmentations, information": [_chosen_by_information(runs, plain, grid, n, seed)],
        }
        if subsets.size:
            both = np.r_[grid, subsets]
            ways["with subsets, random"] = [rng.choice(both, n, replace=False) for _ in range(5)]
            ways["with subsets, information"] = [_chosen_by_information(runs, plain, both, n, seed)]
        for name, picks in ways.items():
            rates = [_rates(runs, np.r_[plain, pick], seed) for pick in picks]
            row = [f"{share:.2f}", name, f"{np.mean([_agreement(r, full) for r in rates]):.3f}"]
            if truth is not None:
                row.append(f"{np.mean([_agreement(r, truth) for r in rates]):.3f}")
            rows.append(row)
    header = ["fits, share of the grid", "chosen from", "Spearman with the full grid's rates"]
    halves = [_rates(runs, np.r_[plain, grid][half], seed) for half in _halves(runs, plain, grid)]
    rows.append(["0.50", "one half of the repeats with the other", f"{_agreement(*halves):.3f}"])
    if truth is not None:
        rows[-1].append(f"{np.mean([_agreement(half, truth) for half in halves]):.3f}")
        rows.append(["1.00", "all augmentations", "1.000", f"{_agreement(full, truth):.3f}"])
        header.append("with the truth")
    return markdown("Cheaper grids", header, rows)


def _halves(runs: Runs, *rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the rows of the first half of the repeats, and of the second."""
    every = np.concatenate(rows)
    repeats = np.unique(runs.repeats[every])
    first = np.isin(runs.repeats[every], repeats[: len(repeats) // 2])
    return first, ~first


def gain_table(title: str, gain: Mapping[str, Sequence[float]]) -> str:
    """Gains in mean score per 1,000 labels of each strategy, and how far above uniform's."""
    uniform = np.array(gain["uniform"])
    rows = []
    for name, values in gain.items():
        gap = paired_interval(np.array(values) - uniform)
        rows.append([
            name, f"{np.mean(values):.5f}", f"{gap.estimate:+.5f} ({gap.low:+.5f}, {gap.high:+.5f})"
        ])  # fmt: skip
    header = ["strategy", "gain in mean score per 1,000 labels", "less uniform (95 %)"]
    return markdown(title, header, rows)


def markdown(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [f"### {title}", "", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def _held_out(runs: Runs, share: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.isin(runs.kinds, ("augmentation", "subset")) & (rng.random(len(runs.N)) < share)


def _offsets(predicted: np.ndarray, seen: Runs, left: Runs) -> np.ndarray:
    """Mean of score less prediction over the seen scores of the same block.

    What the scores of a block share, the folds that they come from, is no matter of the curves. A
    block that nothing was seen of has the mean of its task and repeat.
    """
    residual = seen.Y - predicted
    of_repeat = _means(residual, *(
        np.broadcast_to(runs.repeats[:, None], runs.N.shape) for runs in (seen, left)
    ))  # fmt: skip
    of_block = _means(residual, seen.blocks, left.blocks)
    return np.where(np.isfinite(of_block), of_block, of_repeat)


def _means(values: np.ndarray, codes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The mean over the rows with a code, task by task, where it is wanted; NaN without any."""
    result = np.full(wanted.shape, np.nan)
    for code in np.unique(wanted):
        known = np.isfinite(values) & (codes == code)
        n = known.sum(axis=0)
        mean = np.where(n > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)
        result = np.where(wanted == code, mean, result)
    return result


def _by_pairs(predicted: np.ndarray, left: Runs) -> np.ndarray:
    """Scores by the pair's curve for augmentations; by the mean over members' curves for others."""
    present = np.broadcast_to((left.N > 0)[:, None, :], predicted.shape)
    augmented = np.flatnonzero(left.auxiliary >= 0)
    present = present.copy()
    present[augmented] = False
    present[augmented, :, left.auxiliary[augmented]] = True
    # The augmented task beside itself has no curve of a pair: all of its curves serve.
    present[augmented, left.auxiliary[augmented], :] = True
    present &= np.isfinite(predicted)
    n = present.sum(axis=2)
    total = np.where(present, predicted, 0.0).sum(axis=2)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _by_own(seen: Runs, left: Runs, form: Form) -> np.ndarray:
    def columns(N: np.ndarray) -> np.ndarray:
        others = N.sum(axis=1, keepdims=True) - N
        return (np.stack([N, others], axis=2) if form == EXP32 else N[..., None]).swapaxes(0, 1)

    fits = fit_curves(columns(seen.N), seen.Y.T, form)
    return fits.predict(columns(left.N)).T


def _by_task(
    predicted: np.ndarray, left: Runs, of_kind: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Root mean squared error of each task, (K,)."""
    squared = np.where(known, np.square(predicted[of_kind] - left.Y[of_kind]), np.nan)
    n = known.sum(axis=0)
    return np.where(n > 0, np.sqrt(np.nansum(squared, axis=0) / np.maximum(n, 1)), np.nan)


def _chosen_by_information(
    runs: Runs, plain: np.ndarray, grid: np.ndarray, n: int, seed: int
) -> np.ndarray:
    """Augmentations in three rounds, the model fitted anew before each."""
    chosen = np.empty(0, dtype=int)
    for part in np.array_split(np.arange(n), 3):
        rows = np.r_[plain, chosen]
        model = _quick(seed).fit(runs.N[rows], runs.Y[rows], runs.blocks[rows])
        rest = np.setdiff1d(grid, chosen)
        scored = np.isfinite(runs.Y[rest])
        chosen = np.r_[chosen, rest[next_fits(model, runs.N[rest], len(part), scored=scored)]]
    return chosen


def _rates(runs: Runs, rows: np.ndarray, seed: int) -> np.ndarray:
    model = _quick(seed)
    return model.fit(runs.N[rows], runs.Y[rows], runs.blocks[rows]).exchange_rates_


def _quick(seed: int) -> TransferModel:
    """One strength for all, so that ways of choosing fits are compared and nothing else."""
    return TransferModel(strengths=(1.0,), ranks=(0,), random_state=seed)


def _agreement(rates: np.ndarray, reference: np.ndarray) -> float:
    off = ~np.eye(len(rates), dtype=bool)
    return float(spearmanr(rates[off], reference[off]).statistic)
