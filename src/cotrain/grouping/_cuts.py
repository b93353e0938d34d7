"""Linear inequalities that who is served with whom, and sees whom, must meet.

With x_g and t_g as in `_semidefinite` and y_g = (1 + t_g) / 2, every a_g = c + v·x_g + u·y_g with
integer c, v and u is an integer. So a_g (a_g − 1) is at least 0, and its sum over the groups is
linear in X: <A, X> >= 0 (hypermetric inequalities: Deza and Laurent, Geometry of Cuts and Metrics,
1997, chapter 28). Among them: y_l − x_l + x_i says that tasks served together see each other, and
x_l − x_i + y_j that both see the same tasks. All of these triangles are looked at; from the worst
of them, and from random vectors, changes of single integers lead to what is violated more.
"""

from dataclasses import dataclass, replace

import numba
import numpy as np

from cotrain.grouping._values import Floats

LARGEST = 2
"""Integers of a cut at most, in absolute value."""
SUPPORT = 8
"""Integers of a cut at most that are not 0."""
TRIANGLES, STARTS = 5000, 40_000
"""Triangles at most, and random vectors, that the search for cuts starts from."""
VIOLATION = 0.02
"""What <A, X> falls short by, at least, for a cut to be added."""
MOST_NEW = 10_000
"""Cuts added at a time."""


@dataclass(frozen=True)
class Limits:
    """The least and the largest that each entry of X can be, both (n_rows, n_rows)."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class Cuts:
    """Inequalities constant + sum of A_ab X_ab >= 0 over free entries a < b, and multipliers.

    Attributes
    ----------
    vectors : array, shape (n_cuts, n_rows)
        The integers (c, v, u) of each.
    first, place, coef : arrays
        Compressed sparse rows of A; `place` counts entries of X row by row.
    constant, size : arrays, shape (n_cuts,)
        Half of what fixed entries add to <A, X>, and the sum of A_ab² over free entries.
    multiplier : array, shape (n_cuts,)
        At least 0.
    """

    vectors: Floats
    first: np.ndarray
    place: np.ndarray
    coef: Floats
    constant: Floats
    size: Floats
    multiplier: Floats

    def slope(self, n_rows: int) -> Floats:
        """Return the sum of the matrices A (n_rows, n_rows), each times its multiplier."""
        half = np.zeros(n_rows**2)
        _push(half, self.first, self.place, self.coef, self.multiplier)
        square = half.reshape(n_rows, n_rows)
        return np.asarray(square + square.T)

    def project(self, target: Floats, limits: Limits, sweeps: int = 2) -> tuple[Floats, "Cuts"]:
        """Return about the closest point to `target` within the limits and the cuts.

        Hildreth's method (1957): it starts from the multipliers. The cuts with those that it ends
        with are returned too.
        """
        multiplier = self.multiplier.copy()
        moved = (target + self.slope(len(target))).ravel()
        lower, upper = limits.lower.ravel(), limits.upper.ravel()
        for _ in range(sweeps):
            _sweep(
                moved,
                lower,
                upper,
                self.first,
                self.place,
                self.coef,
                self.constant,
                self.size,
                multiplier,
            )
        above = np.triu(moved.reshape(target.shape))
        closest = np.clip(above + np.triu(above, 1).T, limits.lower, limits.upper)
        return closest, replace(self, multiplier=multiplier)


def make_cuts(vectors: Floats, limits: Limits, multiplier: Floats | None = None) -> Cuts:
    """Return the cuts of integer vectors (n_cuts, n_rows) of (1, x, y)."""
    n_tasks = len(limits.lower) // 2
    points = vectors.copy()
    points[:, n_tasks + 1 :] /= 2
    points[:, 0] += points[:, n_tasks + 1 :].sum(axis=1)
    first, place, coef, constant, size = _entries(points, limits.lower, limits.upper)
    if multiplier is None:
        multiplier = np.zeros(len(vectors))
    return Cuts(vectors, first, place, coef, constant, size, multiplier)


def renewed(cuts: Cuts, within: Floats, limits: Limits, rng: np.random.Generator) -> Cuts:
    """Return the cuts that bind, and new ones that `within` (n_rows, n_rows) violates."""
    seen = _as_members(within)
    triangles = _triangles(seen)
    deeper = np.vstack([triangles, _random(len(seen), rng)])
    values = np.append(_values(triangles, seen), _descend(deeper, seen))
    violated = np.flatnonzero(values < -VIOLATION)
    violated = violated[np.argsort(values[violated], kind="stable")]
    binding = cuts.multiplier > 0
    vectors = np.vstack([cuts.vectors[binding], np.vstack([triangles, deeper])[violated]])
    multiplier = np.append(cuts.multiplier[binding], np.zeros(len(violated)))
    unique = _first_of_equals(vectors)[: binding.sum() + MOST_NEW]
    return make_cuts(vectors[unique], limits, multiplier[unique])


def _first_of_equals(vectors: Floats) -> np.ndarray:
    """Return the rows that no earlier row equals, ascending; entries are small integers."""
    # One comparison of bytes a row: thirty times as fast as `np.unique` along an axis.
    rows = np.ascontiguousarray(vectors.astype(np.int8))
    _, first = np.unique(rows.view(np.dtype((np.void, rows.shape[1]))), return_index=True)
    return np.sort(first)


def _random(n_rows: int, rng: np.random.Generator) -> Floats:
    """Return random vectors of up to four integers 1 or −1, shape (STARTS, n_rows)."""
    vectors = np.zeros((STARTS, n_rows))
    for _ in range(4):
        place = rng.integers(1, n_rows, STARTS)
        vectors[np.arange(STARTS), place] = rng.choice([-1.0, 1.0], STARTS)
    return vectors


def _as_members(within: Floats) -> Floats:
    """Return the sum over groups of (1, x, y)(1, x, y)ᵀ, given that of (1, x, t)."""
    n_tasks = len(within) // 2
    change = np.eye(len(within))
    change[n_tasks + 1 :, n_tasks + 1 :] /= 2
    change[n_tasks + 1 :, 0] = 0.5
    return np.asarray(change @ within @ change.T)


def _values(vectors: Floats, seen: Floats) -> Floats:
    """Return <A, X> of each vector, shape (n_vectors,)."""
    return np.asarray(((vectors @ seen) * vectors).sum(axis=1) - vectors @ seen[0])


def _triangles(seen: Floats) -> Floats:
    """Return x_l − x_i + y_j violated, the worst j of each ordered pair i, l, worst pairs first."""
    n_tasks = len(seen) // 2
    together = seen[1 : n_tasks + 1, 1 : n_tasks + 1]
    sees = seen[1 : n_tasks + 1, n_tasks + 1 :]
    value, third = np.zeros((n_tasks, n_tasks)), np.zeros((n_tasks, n_tasks), dtype=int)
    for i in range(n_tasks):
        excess = together[i][:, None] + sees[i] - sees - 1
        value[i], third[i] = excess.max(axis=1), excess.argmax(axis=1)
    np.fill_diagonal(value, 0)
    one, other = np.nonzero(value > VIOLATION / 2)
    worst = np.argsort(-value[one, other], kind="stable")[:TRIANGLES]
    one, other = one[worst], other[worst]
    vectors = np.zeros((len(one), len(seen)))
    row = np.arange(len(one))
    vectors[row, 1 + one] = -1
    vectors[row, 1 + other] = 1
    vectors[row, n_tasks + 1 + third[one, other]] = 1
    return vectors


@numba.njit(cache=True)
def _descend(vectors: Floats, seen: Floats) -> Floats:
    """Change integers one by one while that lowers <A, X>; return what it comes to."""
    values = np.empty(len(vectors))
    n_rows = len(seen)
    for row in range(len(vectors)):
        vector = vectors[row]
        slope = np.zeros(n_rows)
        for a in range(n_rows):
            if vector[a] != 0:
                slope += vector[a] * seen[a]
        value = (vector * (slope - seen[0])).sum()
        while True:
            best, place, sign = -1e-6, -1, 0.0
            is_full = (vector != 0).sum() >= SUPPORT
            for a in range(n_rows):
                if is_full and vector[a] == 0:
                    continue
                up = seen[a, a] + (2 * slope[a] - seen[0, a])
                down = seen[a, a] - (2 * slope[a] - seen[0, a])
                if up < best and vector[a] < LARGEST:
                    best, place, sign = up, a, 1.0
                if down < best and vector[a] > -LARGEST:
                    best, place, sign = down, a, -1.0
            if place < 0:
                break
            vector[place] += sign
            slope += sign * seen[place]
            value += best
        values[row] = value
    return values


@numba.njit(cache=True)
def _entries(
    points: Floats, lower: Floats, upper: Floats
) -> tuple[np.ndarray, np.ndarray, Floats, Floats, Floats]:
    """Return `first`, `place`, `coef`, `constant` and `size` of p pᵀ less the linear part."""
    n_cuts, n_rows = points.shape
    first = np.zeros(n_cuts + 1, np.int64)
    for row in range(n_cuts):
        support = 1 + (points[row, 1:] != 0).sum()
        first[row + 1] = first[row] + support * (support - 1) // 2
    place, coef = np.zeros(first[-1], np.int64), np.zeros(first[-1])
    constant, size = np.zeros(n_cuts), np.zeros(n_cuts)
    for row in range(n_cuts):
        point = points[row]
        free = first[row]
        for a in range(n_rows):
            if a > 0 and point[a] == 0:
                continue
            square = point[a] * point[a] - (point[a] if a == 0 else 0.0)
            constant[row] += square * lower[a, a] / 2
            for b in range(a + 1, n_rows):
                if point[b] == 0:
                    continue
                entry = point[a] * point[b] - (point[b] / 2 if a == 0 else 0.0)
                if lower[a, b] == upper[a, b]:
                    constant[row] += entry * lower[a, b]
                else:
                    place[free] = a * n_rows + b
                    coef[free] = entry
                    size[row] += entry * entry
                free += 1
    return first, place, coef, constant, size


@numba.njit(cache=True)
def _push(
    moved: Floats, first: np.ndarray, place: np.ndarray, coef: Floats, multiplier: Floats
) -> None:
    for row in range(len(multiplier)):
        for entry in range(first[row], first[row + 1]):
            moved[place[entry]] += multiplier[row] * coef[entry]


@numba.njit(cache=True)
def _sweep(
    moved: Floats,
    lower: Floats,
    upper: Floats,
    first: np.ndarray,
    place: np.ndarray,
    coef: Floats,
    constant: Floats,
    size: Floats,
    multiplier: Floats,
) -> None:
    """Push each cut that is violated, and draw back each that is pushed too far."""
    for row in range(len(multiplier)):
        value = constant[row]
        for entry in range(first[row], first[row + 1]):
            at = place[entry]
            value += coef[entry] * min(max(moved[at], lower[at]), upper[at])
        push = max(-value / size[row], -multiplier[row]) if size[row] > 0 else 0.0
        if push != 0.0:
            multiplier[row] += push
            for entry in range(first[row], first[row + 1]):
                moved[place[entry]] += push * coef[entry]
