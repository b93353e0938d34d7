"""Files are written whole or not at all: beside the target first, then renamed."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from cotrain.exceptions import CotrainError

# What spreadsheets take for the start of a formula (OWASP, CSV injection).
_FORMULA = r"'*[=+\-@\t\r\n]"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    CotrainError if the folder cannot be written to or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            yield part
            umask = os.umask(0)  # it can only be read by setting it
            os.umask(umask)
            part.chmod(0o666 & ~umask)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason, todo = error.strerror or error, "free space or choose another folder"
        raise CotrainError(f"{path}: cannot be written ({reason}); {todo}") from error


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON; NaN is refused (a missing figure is null)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write `frame` without its index; floats keep every digit that they need to be read back.

    Texts that a spreadsheet would run as a formula begin with ', see `unquoted`.
    """
    text = frame.copy(deep=False)
    text.columns = pd.Index([_quoted(name) for name in frame.columns])
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            text.isetitem(place, [_quoted(cell) for cell in frame.iloc[:, place]])
    write_text(path, text.to_csv(index=False, lineterminator="\n"))


def unquoted(text: pd.Series) -> pd.Series:
    """Texts of a column as they were before `write_csv` wrote them."""
    return text.mask(text.str.match(f"'{_FORMULA}"), text.str[1:])


def _quoted(cell: Any) -> Any:
    if not isinstance(cell, str) or not re.match(_FORMULA, cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def cut_half_line(path: Path) -> None:
    """Cut off what stands behind the last line's end: a kill or a full disk stopped its writing.

    For logs that grow by lines, whose next line would be put behind the half one.
    """
    if path.is_file() and (data := path.read_bytes()) and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def remove_cut_bytecode(error: EOFError) -> bool:
    """Remove the compiled module that an import found cut off; False: it was something else.

    Python writes `__pycache__` as far as the disk has room and takes it for whole, so that every
    later import of the module ends in EOFError.
    """
    step: TracebackType | None = error.__traceback__
    while step is not None:
        path = step.tb_frame.f_locals.get("bytecode_path")  # of importlib's `get_code`
        if isinstance(path, str) and Path(path).exists():
            Path(path).unlink()
            return True
        step = step.tb_next
    return False
