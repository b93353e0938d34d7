"""Files that hold what they are and the SHA-256 of themselves, checked before they are parsed.

A seal is a line of text inside the file, `cotrain <what> sha256:<64 digits>`, where the format has
room for text that its other readers pass over: the comment of an archive of arrays, the metadata of
a table, a value of JSON. The digest is that of the file with zeros in its place. Files without room
have theirs in their folder's `SHA256SUMS`.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files._whole import whole_file, write_text

SUMS = "SHA256SUMS"
_ZEROS = b"0" * 64
_BEGIN, _MARK = b"cotrain ", b" sha256:"
_IN_TABLE = "seal"  # among the attributes of a table


def unsigned(what: str) -> str:
    """The seal of a file that is yet to be sealed."""
    return (_BEGIN + what.encode() + _MARK + _ZEROS).decode()


def sealed(data: bytes) -> bytes:
    """Return a file that holds `unsigned(what)` with the digest written in."""
    return b"".join(_sealed_pieces(data))


def _sealed_pieces(data: bytes) -> list[bytes | memoryview]:
    digest = hashlib.sha256(data).hexdigest().encode()
    return _pieces(data, data.rindex(_MARK + _ZEROS) + len(_MARK), digest)


def _pieces(data: bytes, at: int, digest: bytes) -> list[bytes | memoryview]:
    """A file with a digest at its place, in parts: a task table may fill half of the memory."""
    view = memoryview(data)
    return [view[:at], digest, view[at + len(digest) :]]


def _write_sealed(path: Path, data: bytes) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        file.writelines(_sealed_pieces(data))


def read_sealed(path: Path, what: str, todo: str, must: bool = True) -> bytes:
    """Return the bytes of a file that is sealed as `what`, such as `task table`.

    `todo` brings it back, such as "run `cotrain prepare`". A file without a seal, as other programs
    write it, is refused if there `must` be one.

    Raises
    ------
    DataError
        If it is missing, cannot be read, is something else, or differs from what was written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no {what} here; {todo} first") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise _damaged(path, what, f"cannot be read, {reason}", todo) from error
    seal = _seal(data)
    if seal is None:
        if must:
            raise _damaged(path, what, "it is cut short, or not one of cotrain's", todo)
        return data
    found, digest, at = seal
    whole = hashlib.sha256()
    for part in _pieces(data, at, _ZEROS):
        whole.update(part)
    if whole.hexdigest().encode() != digest:
        raise _damaged(path, what, "it differs from what was written", todo)
    if found != what:
        raise _damaged(path, what, f"it is a {found}", todo)
    return data


@contextmanager
def reading(path: Path, what: str, todo: str) -> Iterator[None]:
    """What fails inside is a DataError, in one line: a file that is not what it must be."""
    try:
        yield
    except DataError as error:
        raise error if str(path) in str(error) else _damaged(path, what, error, todo) from error
    except Exception as error:  # pyarrow and numpy have families of their own
        raise _damaged(path, what, error, todo) from error


def _damaged(path: Path, what: str, reason: object, todo: str) -> DataError:
    article = "an" if what[0] in "aeiou" else "a"
    said = " ".join(str(reason).split()) or type(reason).__name__
    return DataError(f"{path}: not {article} {what} ({said[:200]}); {todo} again")


def _seal(data: bytes) -> tuple[str, bytes, int] | None:
    """What a file says it is, its digest and where that stands; None if it has no seal."""
    mark = data.rfind(_MARK)
    begin = data.rfind(_BEGIN, 0, mark) if mark >= 0 else -1
    at = mark + len(_MARK)
    digest = data[at : at + 64]
    if begin < 0 or not re.fullmatch(rb"[0-9a-f]{64}", digest):
        return None
    return data[begin + len(_BEGIN) : mark].decode("utf-8", "replace"), digest, at


def save_arrays(path: Path, what: str, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to one sealed `.npz` file; the same arrays give the same bytes.

    It is not compressed, so that the bytes do not depend on the version of zlib; and not written by
    `numpy.savez`, whose headers differ between patch versions of Python.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.file_size = array.nbytes
            with archive.open(member, "w") as content:
                np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
    comment = unsigned(what).encode()
    # An archive ends in the length of its comment and the comment.
    file.seek(-2, io.SEEK_END)
    file.write(len(comment).to_bytes(2, "little") + comment)
    _write_sealed(path, file.getvalue())


def load_arrays(path: Path, what: str, todo: str) -> dict[str, np.ndarray]:
    """Read arrays that `save_arrays` wrote as `what`; DataError as from `read_sealed`."""
    data = read_sealed(path, what, todo)
    with reading(path, what, todo), np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def pack_sparse(name: str, matrix: Any) -> dict[str, np.ndarray]:
    """The arrays of a csr_array under names that begin with `name`."""
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    return {f"{name}indptr": indptr, f"{name}indices": indices, f"{name}data": matrix.data}


def unpack_sparse(name: str, arrays: dict[str, np.ndarray], shape: tuple[int, int]) -> Any:
    """The csr_array whose arrays `pack_sparse` named."""
    from scipy.sparse import csr_array  # which most files do without

    data, indices, indptr = (arrays[f"{name}{part}"] for part in ("data", "indices", "indptr"))
    return csr_array((data, indices, indptr), shape=shape)


def write_parquet(path: Path, frame: pd.DataFrame, what: str = "table") -> None:
    """Write `frame` without its index, sealed; the same frame gives the same bytes."""
    file = io.BytesIO()
    frame = frame.copy(deep=False)
    frame.attrs = {**frame.attrs, _IN_TABLE: unsigned(what)}
    frame.to_parquet(file, index=False, engine="pyarrow", compression="zstd")
    _write_sealed(path, file.getvalue())


def read_parquet(path: Path, what: str, todo: str) -> pd.DataFrame:
    """Read a table that `write_parquet` wrote as `what`, or that another program wrote.

    DataError as from `read_sealed`.
    """
    data = read_sealed(path, what, todo, must=False)
    with reading(path, what, todo):
        frame = pd.read_parquet(io.BytesIO(data))
    frame.attrs.pop(_IN_TABLE, None)
    return frame


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` over the files of a folder, as `sha256sum --check` reads it."""
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    sums = {path.name: sha256(path.read_bytes()) for path in files if path.name != SUMS}
    write_text(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))


def read_checked(path: Path, todo: str) -> bytes:
    """Return a file's bytes, which must be those that the folder's `SHA256SUMS` tells, if any.

    Raises
    ------
    DataError
        If it differs, or the sums themselves cannot be read; `todo` says what brings it back.
    OSError
        If the file is missing or cannot be read.
    """
    data = path.read_bytes()
    try:
        lines = (path.parent / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return data
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.parent / SUMS}: cannot be read ({error}); {todo} again") from error
    if f"{sha256(data)}  {path.name}" not in lines:
        raise DataError(
            f"{path}: differs from what was written (its SHA-256 is not that in {SUMS}); "
            f"{todo} again"
        )
    return data


def read_json(path: Path, stage: str) -> dict[str, Any]:
    """Return the object in a JSON file that `stage` wrote, checked as by `read_checked`.

    DataError if it is missing, differs from what was written, or holds no object.
    """
    todo = f"run `cotrain {stage}`"
    try:
        found = json.loads(read_checked(path, todo))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; {todo} first") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error}); {todo} again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: must hold an object; {todo} again")
    return found


def sha256(data: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
