"""Metric keys from task names: any text becomes a key that MLflow takes, and back again."""

import hashlib
import re

# MLflow's limit on a key is 250 characters; the rest is for `val_<score>/`.
_MAX_LENGTH = 200
_SPECIAL = re.compile(r"[^\w\- ]")
_ESCAPE = re.compile(r"\.([0-9a-f]{1,6})\.")
_DIGEST = re.compile(r"\.([0-9a-f]{64})\.$")
_EMPTY = "._."


def encode_task(task: str) -> str:
    """The name of a task as the last part of a metric key.

    Letters, digits, `_`, `-` and space stay as they are; any other character becomes its code
    point in hexadecimal between dots. MLflow takes dots, colons and slashes too, but a slash opens
    a section of charts, colons are refused on Windows, and `..` is refused as a path. A name that
    gets too long ends in its SHA-256 instead, and is found again through `task_digest`.

    >>> encode_task("CHEMBL204 Ki (µM)")
    'CHEMBL204 Ki .28.µM.29.'
    """
    code = _SPECIAL.sub(lambda match: f".{ord(match[0]):x}.", task) or _EMPTY
    if len(code) <= _MAX_LENGTH:
        return code
    return f"{code[: _MAX_LENGTH - 66]}.{task_digest(task)}."


def decode_task(code: str, long_names: dict[str, str]) -> str:
    """The task whose name `encode_task` turned into `code`.

    `long_names` are those too long to be part of a key, by their `task_digest`.
    """
    if code == _EMPTY:
        return ""
    if digest := _DIGEST.search(code):
        return long_names[digest.group(1)]
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), code)


def is_long(task: str) -> bool:
    """True if the key does not hold the whole name."""
    return bool(_DIGEST.search(encode_task(task)))


def task_digest(task: str) -> str:
    """The SHA-256 of a task's name, in hexadecimal."""
    return hashlib.sha256(task.encode("utf-8", "surrogatepass")).hexdigest()
