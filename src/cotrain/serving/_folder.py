"""Folders of models: where they may stand, written whole or not at all, checked when read."""

import ctypes
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.sparse import csr_array

from cotrain.exceptions import CotrainError, DataError
from cotrain.files import sha256
from cotrain.serving._manifest import MANIFEST
from cotrain.tasks import Features


def check_place(folder: Path) -> None:
    """CotrainError unless `folder` can take models: it is not there, empty, or holds models."""
    if folder.exists() and not folder.is_dir():
        raise CotrainError(f"{folder}: is a file; name another folder")
    if folder.exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise CotrainError(f"{folder}: holds other files than models; name another folder")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` if all goes well.

    A link stays a link: what it leads to is replaced.
    """
    check_place(folder)
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            ".part", f".{place.name}.", place.parent, ignore_cleanup_errors=True
        ) as part:
            (new := Path(part) / "new").mkdir()
            yield new
            if not place.exists():
                new.replace(place)
            elif not _exchanged(new, place):
                place.replace(Path(part) / "old")
                new.replace(place)
    except OSError as error:
        reason, todo = error.strerror or error, "free space or name another folder"
        raise CotrainError(f"{folder}: cannot be written ({reason}); {todo}") from error


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, so that no kill finds neither; False: it cannot be done.

    Linux has it (renameat2 with RENAME_EXCHANGE, since 3.15), not on every file system.
    """
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of fcntl.h
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file in a folder and its sub-folders, by its path there."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_file(folder: Path, name: str, files: Mapping[str, str]) -> bytes:
    """A file of the folder, which must be as `files` says."""
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        reason, todo = error.strerror or error, "copy the whole folder, or run `cotrain export`"
        raise DataError(f"{path}: cannot be read ({reason}); {todo}") from error
    if files.get(name) != sha256(data):
        raise DataError(
            f"{path}: differs from the file that was exported (its SHA-256 is another); "
            "copy the folder anew, or run `cotrain export` again"
        )
    return data


def check_part(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """A sub-folder, which must hold the files that `files` names in it and no others."""
    part = folder / name
    wanted = {file for file in files if file.startswith(f"{name}/")}
    found = {path.relative_to(folder).as_posix() for path in part.rglob("*") if not path.is_dir()}
    if extra := sorted(found - wanted):
        raise DataError(f"{folder / extra[0]}: is no file that was exported; remove it")
    if not wanted:
        raise DataError(
            f"{part}: cannot be read (no file of it was exported); run `cotrain export` again"
        )
    for file in sorted(wanted):
        read_file(folder, file, files)
    return part


def pack_features(features: Features) -> bytes:
    """Return features (N, ...), sparse or dense, as a safetensors file."""
    if isinstance(features, np.ndarray):
        return save({"dense": np.ascontiguousarray(features)})
    start, column = features.indptr.astype(np.int64), features.indices.astype(np.int32)
    return save({"start": start, "column": column, "value": features.data.astype(np.float32)})


def unpack_features(path: Path, data: bytes, n_features: int) -> Features:
    """Return features that `pack_features` packed, (N, ...) of `n_features` numbers a row."""
    try:
        arrays = load(data)
        if "dense" in arrays:
            found = arrays["dense"]
            if np.prod(found.shape[1:]) != n_features:
                raise ValueError(f"got shape {found.shape}")
            return found
        shape = (arrays["start"].size - 1, n_features)
        found = csr_array((arrays["value"], arrays["column"], arrays["start"]), shape)
        found.check_format()
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        todo = "run `cotrain export` again"
        raise DataError(f"{path}: must hold features ({error}); {todo}") from error
    return found
