"""Files that hold what they are and the SHA-256 of themselves, checked before they are parsed.

A seal is a line of text inside the file, `cotrain <what> sha256:<64 digits>`, where the format has
room for text that its other readers pass over: the comment of an archive of arrays, the metadata of
a table, a value of JSON. The digest is that of the file with zeros in its place.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files._whole import whole_file

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
