"""Tables, settings, records and models as nobody would write them: what reads them gives a result or one line.

Used by tests/test_fuzz.py, for a moment, and by tests/chaos/fuzz.py, for as long as one likes.
"""

import copy
import csv
import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest import mock

import numpy as np
import pandas as pd
from damaged_files import KINDS
from hypothesis import strategies as st
from ruamel.yaml import YAML
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression, Ridge
from small_models import make_models, molecule_table

from cotrain.doctor import examine
from cotrain.exceptions import CotrainError
from cotrain.features._given import read_features
from cotrain.files import sealed, unsigned, write_sums
from cotrain.init import Wishes
from cotrain.init._proposal import propose
from cotrain.registry import LEARNERS
from cotrain.serving import TrainedModels, predict_file
from cotrain.serving._folder import sums
from cotrain.serving._manifest import MANIFEST, WHAT
from cotrain.settings import Section, load_settings
from cotrain.sources._text import read_table
from cotrain.training.learners import EstimatorLearner

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
FOLDER = Path(tempfile.mkdtemp())
ODD = [
    "", " ", "NA", "-", "?", "nan", "inf", "1e999", "-0", ">5", "<= 1,5", "1,5", "1.5", "0", "1",
    "yes", "inactive", "2020-01-01", "C", "CC", "c1ccccc1", "[Na+].[Cl-]", "smiles", "task", "=1+1",
    "\ufeff", "\x00", "é", "日本", "\U0001f9ea", '"', "''", "a\nb", "a\rb", "9" * 400, "x" * 200_000,
]  # fmt: skip
texts = st.one_of(st.sampled_from(ODD), st.text(max_size=8))


def told(read: Callable[[], Any]) -> Any:
    """What is read, or None where the file is refused, in one line that is not endless."""
    try:
        with warnings.catch_warnings(action="error"):  # a user would see it
            return read()
    except CotrainError as error:
        line = str(error)
        assert line
        assert "\n" not in line
        assert len(line) < 3100, len(line)
        return None


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    """Rows of odd cells, quoted well or badly, in some encoding; or bytes of any kind."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(st.binary(max_size=300))
    mark = draw(st.sampled_from(",;\t|"))
    width = draw(st.integers(1, 6))
    cells = st.lists(texts, min_size=1 if draw(st.booleans()) else width, max_size=width)
    rows = draw(st.lists(cells, max_size=12))
    if draw(st.booleans()):
        rows.insert(0, ["smiles", "a", "b", "c", "d", "e"][:width])
    out = io.StringIO()
    if draw(st.booleans()):
        try:
            csv.writer(out, delimiter=mark).writerows(rows)
        except csv.Error:
            out = io.StringIO(mark)
    else:
        out.write(draw(st.sampled_from(["\n", "\r\n", "\r"])).join(mark.join(row) for row in rows))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]))
    return out.getvalue().encode(encoding, errors="replace")


def check_csv(data: bytes) -> None:
    path = FOLDER / "mine.csv"
    path.write_bytes(data)
    told(lambda: read_table(path).cells)
    told(lambda: propose(path, "../mine.csv", Wishes()))


@st.composite
def foreign_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """Columns of odd cells, some of them no text, as other programs write them."""
    n_rows = draw(st.integers(0, 6))
    rows = st.lists(st.one_of(values, st.just(b"\xff"), st.just(np.array([1.0]))), min_size=n_rows, max_size=n_rows)  # fmt: skip
    names = draw(st.lists(texts, max_size=4, unique=True))
    kind = draw(st.sampled_from(["xlsx", "parquet", "sdf", "npz"]))
    out = io.BytesIO()
    try:
        match kind:
            case "sdf":
                text = "".join(
                    f"> <{name}>\n{cell}\n\n" for name in names for cell in draw(rows)[:2]
                )
                return kind, f"{draw(texts)}\n\n\n{MOL}{text}$$$$\n{draw(texts)}".encode()
            case "npz":
                kinds = st.sampled_from(["f4", "f8", "i8", "?", "U3", "c8", "M8[s]"])
                arrays = {f"{at}{name[:9]}": np.zeros((n_rows, *draw(shapes)), draw(kinds)) for at, name in enumerate(names)}  # fmt: skip
                np.savez(out, **arrays)
            case _:
                frame = pd.DataFrame({name: pd.Series(draw(rows), dtype=object) for name in names})
                if draw(st.booleans()):
                    frame = frame.apply(lambda column: column.map(str))
                if draw(st.booleans()) and names:
                    frame = frame.set_index(names[0])
                with warnings.catch_warnings(action="ignore"):  # of cells too long for Excel
                    (frame.to_parquet if kind == "parquet" else frame.to_excel)(out)
    except Exception:  # what no program can write either
        return kind, b"PK"
    return kind, out.getvalue()


MOL = "  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n"
shapes = st.lists(st.integers(0, 3), max_size=3)


def check_foreign(found: tuple[str, bytes]) -> None:
    kind, data = found
    path = FOLDER / f"mine.{kind}"
    path.write_bytes(data)
    if kind != "npz":
        told(lambda: read_table(path).cells)
        told(lambda: propose(path, f"../{path.name}", Wishes()))
    if kind in ("npz", "parquet"):
        for name in (None, "id"):
            told(lambda name=name: read_features(path, None, name))


plain = st.text("abcXYZ0189_+.é日", min_size=1, max_size=6)


@st.composite
def clean_tables(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Tables as csv.writer writes them, without blanks and line breaks, with the separator."""
    width = draw(st.integers(2, 5))
    names = draw(st.lists(plain, min_size=width, max_size=width, unique=True))
    cells = st.one_of(plain, plain.map(lambda text: f'{text},;"|{text}'))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=9))
    return [names, *rows], draw(st.sampled_from(",;\t|"))


def check_round_trip(table: tuple[list[list[str]], str]) -> None:
    """A table is read as it was written, or refused."""
    from cotrain.sources._text import Format

    (header, *rows), mark = table
    path = FOLDER / "clean.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows([header, *rows])
    for wanted in (Format(separator=mark), Format()):
        found = told(lambda wanted=wanted: read_table(path, wanted))
        if found is None or found.format.separator != mark:
            assert wanted.separator is None  # it may be guessed wrongly, and is told
            continue
        assert found.cells.columns.tolist() == header
        assert found.cells.to_numpy().tolist() == rows


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.integers(-3, 50), st.floats(), texts,
        st.dates(), st.just(2**80), st.just("9" * 5000),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(texts, st.integers()), inner, max_size=4)
    ),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, place: tuple = ()) -> list[tuple]:
    """Where something stands in nested lists and mappings."""
    found = [place] if place else []
    if isinstance(value, dict):
        found += [one for key in value for one in places(value[key], (*place, key))]
    elif isinstance(value, list):
        found += [one for at in range(len(value)) for one in places(value[at], (*place, at))]
    return found


def changed(draw: st.DrawFn, value: Any) -> Any:
    """A copy in which some things are others, gone, or more."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(value)))
        inside = value
        for key in path:
            inside = inside[key]
        match draw(st.sampled_from(["other", "other", "gone", "more"])):
            case "gone":
                del inside[last]
            case "more" if isinstance(inside, dict):
                inside[draw(texts)] = draw(values)
            case _:
                inside[last] = draw(values)
        if not places(value):
            break
    return value


@st.composite
def params_files(draw: st.DrawFn) -> bytes:
    """The settings with other values, or with their text torn."""
    if draw(st.booleans()):
        out = io.StringIO()
        yaml = YAML(typ="safe")
        try:
            yaml.dump(changed(draw, YAML(typ="safe").load(PARAMS)), out)
        except Exception:  # what cannot be written as YAML
            return b""
        return out.getvalue().encode("utf-8", errors="replace")
    text = PARAMS
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 20))
        new = draw(st.one_of(texts, st.sampled_from(["&a ", "*a", "<<: ", "!!python/object", "? ", "[", "{", "- ", "%", "\t", "---\n", "!!set ", "!!omap ", "!!binary ", "!!float "])))  # fmt: skip
        text = text[:at] + new + text[at + length :]
    return text.encode("utf-8", errors="replace")


def check_params(data: bytes) -> None:
    path = FOLDER / "params.yaml"
    path.write_bytes(data)
    told(lambda: load_settings(path))
    path.rename(FOLDER / "dvc.lock")
    study = SimpleNamespace(folder=FOLDER, home=FOLDER / "home", journal=FOLDER, reports=FOLDER)
    told(lambda: examine(study))


TABLE = molecule_table()
RECORDS = ("recipes", "grouping", "portfolio", "weights of a portfolio", "search")


def _record(name: str) -> tuple[Path, Callable[[], Any]]:
    folder = FOLDER / name
    folder.mkdir()
    return KINDS[name](folder, TABLE)


READ = {name: _record(name) for name in RECORDS}


@st.composite
def records(draw: st.DrawFn) -> tuple[str, bytes]:
    """What a stage wrote with other values, as who changes it by hand writes them, sums and all."""
    name = draw(st.sampled_from(RECORDS))
    data = READ[name][0].read_bytes()
    if name == "search":  # a line of JSON for each step
        lines = [json.loads(line) for line in data.splitlines()]
        return name, b"".join(_json(one) + b"\n" for one in changed(draw, lines[:12]))
    if name.startswith("weights"):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 9))
        return name, data[:at] + draw(texts).encode() + data[at + length :]
    return name, _json(changed(draw, json.loads(data)))


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value).encode("utf-8", errors="replace")
    except (TypeError, ValueError):
        return b"{}"


def check_records(found: tuple[str, bytes]) -> None:
    name, data = found
    path, read = READ[name]
    before = path.read_bytes()
    try:
        path.write_bytes(data)
        write_sums(path.parent)
        told(read)
    finally:
        path.write_bytes(before)
        write_sums(path.parent)


def check_examples(data: bytes) -> None:
    path = FOLDER / "examples.csv"
    path.write_bytes(data)
    told(lambda: predict_file(MODELS["network"], path, FOLDER / "predictions.csv"))


class Simple(EstimatorLearner):
    """Models of scikit-learn, as skops writes them."""

    class Settings(Section):
        kind: Literal["simple"] = "simple"

    def estimator(self, is_binary: bool, seed: int) -> Any:
        return LogisticRegression() if is_binary else Ridge()


def _saved(learner: Any, name: str) -> Path:
    make_models(TABLE, learner).save(FOLDER / name)
    return FOLDER / name


SMALL = {"forest": {"n_trees": 2}, "boosting": {"n_trees": 2}, "pooled": {"n_trees": 2}}
STRANGER = {"simple": "fuzzing:Simple"}
with mock.patch.dict(LEARNERS.built_in, STRANGER):
    MODELS = {"network": _saved(None, "network")} | {
        kind: _saved(LEARNERS.find(kind)(LEARNERS.find(kind).Settings(**SMALL.get(kind, {}))), kind)
        for kind in ("linear", "kernel", "pooled_linear", "simple", *SMALL)
    }
    for _folder in MODELS.values():  # what is compiled at the first call is no reader's slowness
        TrainedModels.load(_folder).predict(TABLE.features[:3])


@st.composite
def model_folders(draw: st.DrawFn) -> tuple[str, dict[str, bytes]]:
    """Files of a folder of models that are others, their seals and sums those of the others."""
    kind = draw(st.sampled_from(sorted(MODELS)))
    files = {
        path.relative_to(MODELS[kind]).as_posix(): path.read_bytes()
        for path in MODELS[kind].rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    manifest = json.loads((MODELS[kind] / MANIFEST).read_bytes())
    if draw(st.booleans()):
        manifest = changed(draw, manifest)
        new = {}
    else:
        name = draw(st.sampled_from(sorted(set(files) - {"README.md"})))
        new = {name: draw(torn(files[name]))}
    return kind, {**new, MANIFEST: _json(manifest)}


def _as(array: np.ndarray, kind: Any) -> np.ndarray:
    """The array in another type, which may not hold its numbers."""
    with np.errstate(all="ignore"):
        return array.astype(kind)


@st.composite
def torn(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with a few others; or arrays of other sizes and types."""
    if draw(st.booleans()):
        try:
            arrays = load(data)
        except Exception:  # other formats
            arrays = {}
        if arrays:
            name = draw(st.sampled_from(sorted(arrays)))
            if name.endswith("skops") and draw(st.booleans()):
                archive = draw(_skops(arrays[name].tobytes()))
                return save({**arrays, name: np.frombuffer(archive, dtype=np.uint8)})
            match draw(st.sampled_from(["gone", "short", "type", "turned", "huge", "negative"])):
                case "gone":
                    del arrays[name]
                case "short":
                    arrays[name] = arrays[name][:-1].copy()
                case "type":
                    kind = draw(st.sampled_from(["f4", "f8", "i4", "i8", "u1"]))
                    arrays[name] = _as(arrays[name], kind)
                case "turned":
                    arrays[name] = arrays[name].T.copy()
                case "huge":
                    arrays[name] = _as(arrays[name] * 1e6 + 1e6, arrays[name].dtype)
                case "negative":
                    arrays[name] = _as(-1 - _as(arrays[name], "i8"), arrays[name].dtype)
            return save(arrays)
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.sampled_from([len(changed), len(changed) // 2, 0]))])


@st.composite
def _skops(draw: st.DrawFn, data: bytes) -> bytes:
    """An archive of skops of which one file is another."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(["schema.json", *sorted(files)]))
    if name == "schema.json":
        files[name] = _json(changed(draw, json.loads(files[name])))
    else:
        files[name] = draw(torn(files[name]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def check_models(found: tuple[str, dict[str, bytes]]) -> None:
    kind, new = found
    folder = MODELS[kind]
    before = {name: (folder / name).read_bytes() for name in new}
    try:
        for name, data in new.items():
            (folder / name).write_bytes(data)
        manifest = json.loads(new[MANIFEST])
        if isinstance(manifest, dict):
            if len(new) > 1:
                files = sums(folder)
                manifest["files"] = {name: files[name] for name in manifest["files"]}
            manifest["seal"] = unsigned(WHAT)
            data = json.dumps(manifest).encode("utf-8", errors="replace")
            (folder / MANIFEST).write_bytes(sealed(data))
        # Sums that overflow are those of the numbers that somebody put in and signed anew.
        with mock.patch.dict(LEARNERS.built_in, STRANGER), np.errstate(all="ignore"):
            models = told(lambda: TrainedModels.load(folder))
            if models is not None:
                told(lambda: models.predict(TABLE.features[:3]))
                told(lambda: models.predict_smiles(["CCO", "nonsense"]))
    finally:
        for name, data in before.items():
            (folder / name).write_bytes(data)


TARGETS = {
    "csv": (csv_files(), check_csv),
    "tables and features of others": (foreign_files(), check_foreign),
    "table as written": (clean_tables(), check_round_trip),
    "params.yaml": (params_files(), check_params),
    "records": (records(), check_records),
    "examples to predict": (csv_files(), check_examples),
    "models": (model_folders(), check_models),
}
