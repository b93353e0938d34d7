"""What can go wrong for reasons a user can mend."""

import re
from typing import Any

# The user's part of an address, up to the last @; and what is given a name that says secret.
_SECRETS = (
    (re.compile(r"://[^\s'\"]*@"), "://***@"),
    (re.compile(r"(?i)\b(password|passwd|pwd|token|secret)=[^\s&'\"]+"), r"\1=***"),
)
# Letters of a message.
_LONGEST = 3000


def masked(text: str) -> str:
    """Text without the passwords of the addresses in it.

    >>> masked("postgresql://me:secret@host/runs?password=secret is away")
    'postgresql://***@host/runs?password=*** is away'
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


# Packages of the extras besides `pipeline`.
_EXTRAS = {
    "chembl_structure_pipeline": "molecules",
    "chemprop": "chemprop",
    "rdkit": "molecules",
    "torch": "torch",
    "torchjd": "torch",
}


def missing_package(error: ImportError) -> str | None:
    """What to install where an import failed; None if it is no other package that is missing.

    >>> missing_package(ModuleNotFoundError("No module named 'rdkit'", name="rdkit.Chem"))
    "`rdkit` is not installed; run `pip install 'cotrain[molecules]'`"
    """
    package = (error.name or "cotrain").partition(".")[0]
    if package == "cotrain" or not isinstance(error, ModuleNotFoundError):
        return None
    extra = _EXTRAS.get(package, "pipeline")
    return f"`{package}` is not installed; run `pip install 'cotrain[{extra}]'`"


def first_problem(error: Any) -> str:
    """The first problem of a `ValidationError` of pydantic, in a few words."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    return f"`{key}`: {reason}" if key else str(reason)


class CotrainError(Exception):
    """A failure that the user can mend: one line that says what, where, and what to do.

    The command line prints the message without a traceback and exits with code 2. Passwords are
    masked here, in whatever message; what others say in several lines is put into one, and what
    has no end, such as a name of a damaged file, is cut.
    """

    def __init__(self, message: str) -> None:
        line = re.sub(r"\s*[\r\n]\s*", " ", masked(message)).strip()
        super().__init__(line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ...")


class SettingsError(CotrainError):
    """`params.yaml` is not what it must be; the message names the key."""


class DataError(CotrainError):
    """A data file is not what it must be; the message names the file and the row or column."""


class TrackingError(CotrainError):
    """The tracking database or server cannot be used."""


class FitError(CotrainError):
    """One fit cannot be trained; the sweep goes on without it."""
