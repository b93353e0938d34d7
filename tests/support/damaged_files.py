"""Every file that cotrain reads, made and read back, to be damaged: see test_damage, chaos/damage."""

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from rdkit import Chem
from scipy.sparse import csr_array
from small_models import make_models, molecule_table

from cotrain.allocation import Plan, augmentations, rotations
from cotrain.doctor import examine
from cotrain.exceptions import CotrainError
from cotrain.features._given import read_features
from cotrain.files import SUMS, read_checked, write_csv, write_json, write_sums
from cotrain.gradients import AffinityRecord
from cotrain.grouping import Constraints, LinearValue, Objective, search_groups
from cotrain.serving import TrainedModels
from cotrain.settings import load_settings
from cotrain.sources import RawTable
from cotrain.sources._text import read_table
from cotrain.stages.export import Validated
from cotrain.study import Study
from cotrain.tables import TABLES, Recommendation, write
from cotrain.tasks import TaskTable
from cotrain.training import FitResult, fit_rows, fit_table, load_fit_table, save_fit_table
from cotrain.tuning import LearnerRecipes, Recipes

ROOT = Path(__file__).parents[2]
FITS = augmentations(4, [1], rotations(6, 2, 1, 1, seed=0))
LEARNERS = {fit.learner: {} for fit in FITS}


def damages(data: bytes) -> list[bytes]:
    """A bit flipped at each of about 100 places, both ends dense; and cut at each of 12."""
    size = len(data)
    places = {*range(0, min(size, 40), 3), *range(max(0, size - 120), size, 3)}
    places |= set(np.linspace(0, size - 1, 50, dtype=int).tolist())
    flipped = []
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        flipped.append(bytes(changed))
    return flipped + [data[:end] for end in np.linspace(0, size - 1, 12, dtype=int)]


def task_table(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    table.save(folder / "tasks.npz")

    def read():
        found = TaskTable.load(folder / "tasks.npz")
        return [found.tasks, found.examples, found.labels.toarray(), found.features.toarray()]

    return folder / "tasks.npz", read


def measured(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        records = pd.DataFrame({"file": "f", "row": [2, 3], "example": ["a", "b"]})
        values = pd.DataFrame({"record": [0, 1], "task": "t", "value": [0.5, 1.5], "relation": ""})
        inputs, summary = pd.DataFrame({"smiles": ["C", "CC"]}), pd.DataFrame({"n": [1]})
        RawTable(records, inputs, values, summary, csr_array(np.eye(2, 5))).save(folder)

        def read():
            found = RawTable.load(folder)
            tables = [found.records, found.inputs, found.values, found.summary]
            return [*(table.to_dict() for table in tables), found.features.toarray()]

        return folder / name, read

    return make


def plan(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    Plan.of("grid", FITS, "v", LEARNERS).save(folder / "grid.parquet")
    return folder / "grid.parquet", lambda: [dict(Plan.load(folder / "grid.parquet").fits)]


def result(seed: int) -> FitResult:
    n_scores = fit_table([]).filter(like="val_").shape[1]
    values = np.random.default_rng(seed).random((2, 4, n_scores))
    return FitResult(np.arange(4), np.array([5, 0, 7, 9]), values[0], values[1], 20)


def fits(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    path = folder / "fits.parquet"
    rows = [fit_rows(table, "grid", f"{at:032x}", fit, result(at)) for at, fit in enumerate(FITS)]
    save_fit_table(path, fit_table(rows))
    return path, lambda: [load_fit_table(path).astype(str).to_dict()]


def affinity(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    square, counts, history = np.eye(3), np.eye(3, dtype=int), np.ones((2, 3, 3), np.float32)
    tasks, steps, path = np.arange(3), np.arange(2), folder / "repeat_0.npz"
    record = AffinityRecord(tasks, square, square, counts, counts, history, steps, steps, 5, 6)
    record.save(path)

    def read():
        found = AffinityRecord.load(path)
        return [found.affinity, found.history, found.counts, found.flops]

    return path, read


def models(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        molecules = molecule_table()
        make_models(molecules).save(folder / "models")

        def read():
            found = TrainedModels.load(folder / "models")
            shown = found.manifest.model_dump(exclude={"seal"})
            return [shown, found.predict(molecules.features[:5])]

        return folder / "models" / name, read

    return make


def checked(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        write_csv(folder / "a.csv", pd.DataFrame({"x": np.arange(30) / 7}))
        write_sums(folder)
        return folder / name, lambda: [read_checked(folder / "a.csv", "run it")]

    return make


def recipes(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    settings = load_settings(ROOT / "params.yaml").learners
    found = {name: LearnerRecipes.of(one, {}) for name, one in settings.items()}
    Recipes(found).save(folder / "recipes.json")
    write_sums(folder)
    path = folder / "recipes.json"
    return path, lambda: [Recipes.load(path, settings).model_dump()]


TASKS, VERSION = ("a", "b", "c"), "v" * 32


def grouping(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    study = Study(folder)
    groups = [["a", "b"], ["c"]]
    found = {
        "data_version": VERSION,
        "score": "auroc",
        "groups": groups,
        "served_by": {"a": 0, "b": 0, "c": 1},
        "predicted": 0.7,
        "bound": None,
        "is_optimal": False,
        "gap": None,
        "n_trials": 6,
        "n_unknown_affinities": 0,
        "rivals": {"random": [groups]},
    }
    write_json(study.grouping / "grouping.json", found)
    write_sums(study.grouping)

    def read():
        found = Recommendation.of_table(study.grouping, TASKS, VERSION)
        return [found.model_dump_json()]

    return study.grouping / "grouping.json", read


def portfolio(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        study = Study(folder)
        models = [{"learner": "network", "members": ["a", "b", "c"], "draw": 0}]
        found = {"data_version": VERSION, "name": "all", "models": models}
        write_json(study.validation / "portfolio.json", found)
        frame = pd.DataFrame({"task": TASKS})
        columns = {
            "weights": {"role": "network", "weight": [0.5, 1.0, 1.5]},
            "served": {"score": "r2", "mean": 0.5, "low": 0.4, "high": 0.6, "n_repeats": 3},
            "skill": {"skill": 0.3, "p_value": 0.01, "skilled": True},
            "intervals": {
                "coverage": 0.9,
                "half_width": 1.0,
                "n_examples": 9,
                "test_coverage": 0.9,
            },
        }
        for key, values in columns.items():
            filled = frame.assign(**values)
            lacking = {c.name: np.nan for c in TABLES[key].columns if c.name not in filled}
            write(study.validation, key, filled.assign(**lacking))
        write_sums(study.validation)

        def read():
            found = Validated.load(study, TASKS, VERSION)
            tables = [found.weights, found.scores, found.skill, found.intervals]
            return [str(found.portfolio), *(one.to_dict() for one in tables)]

        return study.validation / name, read

    return make


def search(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    rng, path = np.random.default_rng(1), folder / "groupings.log"
    objective = Objective(LinearValue(rng.normal(size=3), rng.normal(size=(3, 3))), Constraints(2))

    def read():
        found = search_groups(objective, trials=6, storage=str(path), data_version="v")
        return [found.trials.to_dict(), found.best.groups]

    read()
    return path, read


KINDS = {
    "task table": task_table,
    "features": measured("features.npz"),
    "values": measured("values.parquet"),
    "inputs": measured("inputs.parquet"),
    "summary": measured("summary.csv"),
    "plan": plan,
    "fit table": fits,
    "affinity record": affinity,
    "models": models("models.json"),
    "weights": models("model-1/network.safetensors"),
    "molecules": models("known.safetensors"),
    "table of a stage": checked("a.csv"),
    "sums": checked(SUMS),
    "recipes": recipes,
    "grouping": grouping,
    "portfolio": portfolio("portfolio.json"),
    "weights of a portfolio": portfolio("weights.csv"),
    "search": search,
}
"""What cotrain writes: read as it was, or told."""


def table_file(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        frame = pd.DataFrame({"smiles": ["C" * n for n in range(1, 40)], "a": range(39), "b": 0.5})
        path, text = folder / name, frame.to_csv(index=False).encode()
        match path.suffix:
            case ".gz":
                path.write_bytes(gzip.compress(text))
            case ".xz":
                path.write_bytes(lzma.compress(text))
            case ".xlsx":
                frame.to_excel(path, index=False)
            case ".parquet":
                frame.to_parquet(path)
            case ".sdf":
                with Chem.SDWriter(str(path)) as writer:
                    for smiles in frame["smiles"][1:9]:
                        molecule = Chem.MolFromSmiles(smiles)
                        molecule.SetProp("a", "1.5")
                        writer.write(molecule)
            case _:
                path.write_bytes(text)
        return path, lambda: [read_table(path).cells.to_dict()]

    return make


def features_file(name: str) -> Callable:
    def make(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
        path, values = folder / name, np.random.default_rng(0).random((30, 4))
        if name.endswith(".npz"):
            np.savez_compressed(path, features=values, id=np.array([f"m{at}" for at in range(30)]))
        else:
            pd.DataFrame(values, columns=list("wxyz")).assign(id=range(30)).to_parquet(path)
        return path, lambda: list(read_features(path, None, "id"))

    return make


def settings_file(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    path = folder / "params.yaml"
    path.write_bytes((ROOT / "params.yaml").read_bytes())
    return path, lambda: [load_settings(path).model_dump()]


def lock_file(folder: Path, table: TaskTable) -> tuple[Path, Callable]:
    """What `cotrain doctor` reads of DVC's."""
    path = folder / "dvc.lock"
    path.write_text("schema: '2.0'\nstages:\n  fetch:\n    cmd: cotrain fetch\n    outs: []\n")
    study = SimpleNamespace(folder=folder, home=folder, journal=folder, reports=folder)
    return path, lambda: [[found.wrong for found in examine(study)]]


FOREIGN = {
    **{
        name: table_file(f"mine.{name}")
        for name in ("csv", "csv.gz", "csv.xz", "xlsx", "parquet", "sdf")
    },
    "features.npz of others": features_file("mine.npz"),
    "features.parquet of others": features_file("mine.parquet"),
    "params.yaml": settings_file,
    "dvc.lock": lock_file,
}
"""What others write, without a checksum: read, or told; never a traceback."""


def read_or_told(read: Callable) -> list | str:
    """What is read, or the line that a damaged file is told by."""
    try:
        return read()
    except CotrainError as error:
        line = str(error)
        assert "\n" not in line
        return line


def assert_same(found: list, expected: list) -> None:
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_equal(left, right)
