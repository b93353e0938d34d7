"""What each column of a user's table is taken for, and why."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

import numpy as np
import pandas as pd

from cotrain.sources import Cells, read_cells
from cotrain.sources._cells import MARKS
from cotrain.splits._time import read_times

Role = Literal[
    "molecules", "task", "value", "modifier", "unit", "id", "split", "date", "feature", "weight",
    "index", "ignored",
]  # fmt: skip
Kind = Literal["binary", "real", "category"]

_IDS = frozenset({
    "id", "ids", "identifier", "name", "cid", "sid", "inchikey", "inchi", "key", "cas", "code",
    "registry", "compound", "molecule", "cpd", "structure", "formula",
})  # fmt: skip
_DATES = frozenset({"date", "year", "yr", "datetime", "timestamp"})
_SPREADS = frozenset({"std", "sd", "stdev", "stddev", "sem", "stderr", "err", "error", "cv"})
_COUNTS = frozenset({"n", "count", "counts", "replicates", "reps", "measurements"})
_SPLITS = frozenset({"split", "fold", "subset", "partition", "set", "group", "part"})
_PARTS: Mapping[str, str] = {
    "train": "train", "training": "train", "tr": "train", "dev": "valid", "val": "valid",
    "valid": "valid", "validation": "valid", "test": "test", "testing": "test", "ts": "test",
    "holdout": "test", "hold-out": "test",
}  # fmt: skip
# What columns of numbers are by their names: the words or the whole name, what that says, and
# whether it does beside molecules alone.
_BY_NAME: tuple[tuple[Set[str] | re.Pattern[str], Role, str, bool], ...] = (
    (frozenset({
        "batch", "plate", "well", "lot", "barcode", "collection", "vendor", "source", "salt",
        "purity", "amount", "series", "project", "cluster", "experiment", "run", "ref", "reference",
        "priority",
    }), "ignored", "the name says a batch or a source", False),
    (
        re.compile(r"\w*wgt|(sample|survey|person|row|case|instance)_weights?"),
        "weight", "the name says what a row weighs", False,
    ),
    (re.compile(
        r"mol_?(ecular_?)?_?(wt|weight|mass)|m_?w|fw|formula_(weight|wt)|(exact|monoisotopic)_?mass|"
        r"(n_?)?heavy_?atom(_?count|s)?|hac|num_?\w*|[tn]?_?psa|(topological_)?polar_surface_area|"
        r"n?_?h_?b_?(a|d|acc\w*|don\w*)(_count)?|n?_?rot(atable)?_?b(onds?)?(_count)?|"
        r"f(raction)?_?(csp|sp)_?3|(n_?)?(aromatic_|aliphatic_)?rings?(_count)?|qed|mol_?formula|"
        r"cns_?mpo|(sa|np)_?score|(formal_)?charge|stereo|chiral|(\w+_)?(pains|brenk)(_\w+)?|"
        r"(\w+_)?(lipinski|ro_?5|rule_of_(5|five))(_\w+)?|[acsxmw]_?log_?[pds]\d?(_\d)?"
    ), "ignored", "follows from the structure", True),
    (frozenset({
        "pred", "predicted", "prediction", "predictions", "calc", "calcd", "calculated", "computed",
        "le", "lle", "lipe", "lelp", "bei",
    }), "ignored", "computed, as the name says", True),
)  # fmt: skip
_UNITS = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_MODIFIER = re.compile(
    r"^(.*?)[\s_\-.(]*(modifier|relation|relations|qualifier|operator|prefix|sign)\)?$",
    re.IGNORECASE,
)
_MOLECULES = (
    "smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "mol", "molecule",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """What one column is taken for."""

    name: str
    role: Role
    why: str
    n_known: int  # cells that are no gaps
    kind: Kind | None = None  # of a task, or of few texts
    of: str | None = None  # the task that a modifier stands beside
    words: dict[str, float] = field(default_factory=dict)  # what its texts mean, if unusual

    def taken_for(self, role: Role, why: str, of: str | None = None) -> "Column":
        """The same column taken for something else."""
        return Column(self.name, role, why, self.n_known, of=of)


def part_of(text: str) -> str | None:
    """Train, valid or test, if a text is a usual word for one of them."""
    word = re.sub(r"[\s_-]*(set|data|fold|split)$", "", text.strip().lower())
    return _PARTS.get(word)


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: `MolWt` and `mol_wt` give mol and wt, `nM` nm."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"\b([pnuµm])M\b", r"\1m", name))
    return [word for word in re.split(r"[^a-z0-9µ%]+", spaced.lower()) if word]


def find_molecules(cells: pd.DataFrame) -> str | None:
    """The column of SMILES: by its name, or else by what most of its cells are."""
    names = [str(name) for name in cells.columns]
    found = chain(
        (wanted for wanted in _MOLECULES if wanted in names),
        (
            name
            for wanted in _MOLECULES
            for name in names
            if name.lower().replace(" ", "_") == wanted and _are_molecules(cells[name])
        ),
        (name for name in names if "smiles" in name.lower()),
        (name for name in names if _are_molecules(cells[name])),
    )
    return next(found, None)


def classify(cells: pd.DataFrame, decimal: str, molecules: str | None) -> list[Column]:
    """Return what each column of a wide table is taken for, in the file's order."""
    read = {str(name): read_cells(cells[name], decimal) for name in cells.columns}
    found = [_column(name, cells[name], one, molecules is not None) for name, one in read.items()]
    if molecules is not None:
        texts = cells[molecules]
        kind = "InChI" if texts.str.startswith("InChI=").mean() > 0.5 else "SMILES"
        own = Column(molecules, "molecules", kind, int((texts != "").sum()))
        found = [own if column.name == molecules else column for column in found]
    return _with_modifiers(found, cells)


def _column(name: str, texts: pd.Series, read: Cells, has_molecules: bool) -> Column:
    known = texts[(read.value.notna() | read.wrong).to_numpy()]
    n = len(known)

    def note(role: Role, why: str, kind: Kind | None = None) -> Column:
        return Column(name, role, why, n, kind)

    words, bare = set(words_of(name)), "_".join(words_of(_UNITS.sub("", name)))
    values = read.value.dropna()
    if n == 0:
        return note("ignored", "no value in any row")
    if re.fullmatch(r"Unnamed: \d+", name):
        return note("index", "the row numbers of whoever wrote the table")
    if "smiles" in words and has_molecules:
        return note("ignored", "molecules too: --smiles chooses it")
    if words & _SPLITS and (why := _split(known, texts)):
        return note("split", why)
    if len(values) < n / 2:
        if pair := opposites(known):
            return Column(name, "task", " and ".join(map(repr, pair)), n, "binary", words=pair)
        return note(*_text(name, known, words, has_molecules))
    if _are_compact_dates(values, words):
        return note("date", "dates without marks, such as 20240131")
    whole = bool((values == values.round()).all())
    years = whole and n == len(texts) and n >= 10 and values.between(1950, 2035).all()
    if (words & _DATES or years) and values.between(1900, 2100).all():
        return note("date", "years")
    differ = len(values) == values.nunique() and n == len(texts)
    if whole and differ and (n >= 20 or words & _IDS):
        return note("id", "whole numbers, all different")
    if words & _IDS and not words & {"compound", "molecule", "structure"}:
        return note("ignored", "numbers, but the name says an id")
    for rule, role, why, of_molecules in _BY_NAME:
        says = rule.fullmatch(bare) if isinstance(rule, re.Pattern) else words & rule
        if says and (has_molecules or not of_molecules):
            return note(role, why)
    n_bounds, n_wrong = int((read.relation != "").sum()), int(read.wrong.sum())
    if values.min() == values.max() and not n_bounds:
        others = texts[read.wrong].unique()
        beside = f" beside the text {others[0]!r}" if len(others) else ""
        return note("ignored", f"one value alone, {values.iloc[0]:g}{beside}")
    if values.isin((0, 1)).all() and not n_bounds:
        how = "words for two classes" if read.words.any() else "0 and 1"
        return note("task", how, "binary")
    if (two := two_values(values)) and not n_bounds:
        return note("task", f"two values, {two[0]:g} and {two[1]:g}", "binary")
    if values.isin((-1, 0, 1)).all():
        return note("task", "0 and 1, and -1 for a gap", "binary")
    why = "numbers" + (f" in {read.unit}" if read.unit else "")
    why += f", {n_bounds} behind < or >" if n_bounds else ""
    return note("task", why + (f"; {n_wrong} cells are none" if n_wrong else ""), "real")


def _text(
    name: str, known: pd.Series, words: set[str], has_molecules: bool
) -> tuple[Role, str, Literal["category"] | None]:
    """What a column of text is."""
    if known.isin(MARKS).all():
        return "modifier", "marks such as < and >", None
    if words & _DATES or _are_dates(known):
        return "date", "dates", None
    if why := _parts(known):
        return "split", why, None
    if len(known) == known.nunique() and (words & _IDS or not known.str.contains(" ").any()):
        return "id", "texts, all different", None
    if known.str.len().mean() > 20 and known.str.contains(" ").mean() > 0.5 and not has_molecules:
        return "feature", f"text; `--features text:{name}` takes it", None
    n = known.nunique()
    if n == 1:
        return "ignored", f"one text alone, {known.iloc[0]!r}", None
    first = known.value_counts().index[:2]
    texts = [repr(text if len(text) <= 20 else f"{text[:19]}…") for text in first]
    kind: Literal["category"] | None = "category" if n <= len(known) / 10 else None
    if n == 2:
        return "ignored", f"{' and '.join(texts)}; --tasks takes them for classes", kind
    return "ignored", f"{n} different texts such as {', '.join(texts)}", kind


def opposites(known: pd.Series) -> dict[str, float]:
    """What two texts mean of which one negates the other: hit and non-hit, BBB+ and BBB-."""
    texts = sorted(known.str.lower().unique(), key=len) if known.nunique() <= 8 else []
    if len(texts) != 2:
        return {}
    yes, no = texts
    if yes[:-1] == no[:-1] and {yes[-1], no[-1]} == {"+", "-"}:
        return {text: float(text[-1] == "+") for text in texts}
    negates = re.fullmatch(rf"(non|not|no|in|un|im)[-_ ]?{re.escape(yes)}", no)
    return {yes: 1.0, no: 0.0} if negates else {}


def two_values(values: pd.Series) -> tuple[float, float] | None:
    """The lower and the higher value of a column of whole numbers that has no other ones."""
    found = np.sort(values.unique())
    if len(found) != 2 or len(values) < 8 or (found != found.round()).any():
        return None
    return float(found[0]), float(found[1])


def _split(known: pd.Series, texts: pd.Series) -> str | None:
    """Why a column that is named like a split is one; None: it is none."""
    if why := _parts(known):
        return why
    numbers = pd.to_numeric(known, errors="coerce")
    whole = numbers.notna().all() and (numbers == numbers.round()).all()
    if whole and len(known) == len(texts) and 3 <= numbers.nunique() <= 50:
        return f"fold numbers {numbers.min():g} to {numbers.max():g}"
    return None


def _parts(known: pd.Series) -> str | None:
    """The words of a column that holds several, all for train, valid or test."""
    if len(known.unique()) > 1 and known.map(part_of).notna().all():
        return f"the words {', '.join(known.unique()[:4])}"
    return None


def _are_dates(known: pd.Series) -> bool:
    some = known.head(50)
    day, month = r"\d{1,2}", r"(?:\d{1,2}|[A-Za-z]{3,9}\.?)"
    parts = rf"(?:\d{{4}}[-/.]{month}(?:[-/.]{day}.*)?|{day}[-/. ]{month}[-/., ]+\d{{2,4}}.*)"
    written = rf"{parts}|{month} {day},? \d{{4}}.*|\d{{4}}[- ]?Q[1-4]"
    return bool(some.str.fullmatch(written).all() and read_times(some).notna().mean() > 0.9)


def _are_compact_dates(values: pd.Series, words: set[str]) -> bool:
    """Whether numbers are dates such as 20240131; by chance one number in ten is one."""
    if not values.between(19_000_101, 21_001_231).all():
        return False
    dates = pd.to_datetime(values.head(200).astype(str).str[:8], format="%Y%m%d", errors="coerce")
    return bool(dates.notna().all() and (len(values) >= 10 or words & _DATES))


def _are_molecules(texts: pd.Series) -> bool:
    """Whether most of the first cells are molecules of several atoms."""
    from rdkit.rdBase import BlockLogs

    from cotrain.features import read_molecule

    some = texts[texts != ""].head(30)
    if some.empty or pd.to_numeric(some, errors="coerce").notna().mean() > 0.2:
        return False
    with BlockLogs():
        parsed = [read_molecule(text) if len(text) < 300 else None for text in some]
    good = [molecule is not None and molecule.GetNumAtoms() > 0 for molecule in parsed]
    return bool(np.mean(good) > 0.6 and some.str.len().mean() > 3)


def _with_modifiers(columns: list[Column], cells: pd.DataFrame) -> list[Column]:
    """Modifiers with the task that each stands beside: by its name, or the column next to it."""
    tasks = [column.name for column in columns if column.role == "task"]
    result = []
    for at, column in enumerate(columns):
        of = None
        marks = column.n_known > 0 and cells[column.name].isin(MARKS).all()
        if column.role in ("modifier", "ignored") and marks:
            named = _MODIFIER.match(column.name)
            base = named[1].strip() if named else ""
            alike = [task for task in tasks if base and task.startswith(base)]
            near = [*columns[at + 1 : at + 2], *columns[max(at - 1, 0) : at]]
            beside = [one.name for one in near if one.name in tasks]
            of = base if base in tasks else next(iter([*alike, *beside]), None)
        if of is not None:
            column = column.taken_for("modifier", f"marks of `{of}`", of)
        elif column.role == "modifier":
            column = column.taken_for("ignored", column.why)
        elif column.role == "task" and (of := _measured(column.name, tasks)) is not None:
            why = f"spread or number of measurements{f' of `{of}`' if of else ''}"
            column = column.taken_for("ignored", why)
        result.append(column)
    return result


def _measured(name: str, tasks: list[str]) -> str | None:
    """The task whose spread or number of measurements a column holds; "": of all; None: none."""
    words = words_of(_UNITS.sub("", name))
    rest = [word for word in words if word not in _SPREADS | _COUNTS]
    if not rest and len(words) > 1:
        return ""
    if not rest or len(rest) == len(words):
        return None
    return next((task for task in sorted(tasks) if words_of(_UNITS.sub("", task)) == rest), None)
