"""The SHA-256 of each file of a folder, for files that have no room for a seal."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cotrain.exceptions import DataError
from cotrain.files._whole import write_text

SUMS = "SHA256SUMS"


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
