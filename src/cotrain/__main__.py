"""`cotrain` and `python -m cotrain`: the command line, or what to install for it."""

import sys
import traceback
from typing import Any

from cotrain.exceptions import masked, missing_package
from cotrain.imports import importing


def main() -> None:
    """Run the command line; a package that is not installed is one line and exit code 2."""
    sys.excepthook = _without_passwords
    try:
        with importing():
            from cotrain.cli import main as run
        run()
    except ModuleNotFoundError as error:
        told = missing_package(error)
        if told is None:
            raise
        sys.stderr.write(f"cotrain: {told}\n")
        sys.exit(2)


def _without_passwords(*error: Any) -> None:
    """Print what is no mistake of the user's, as Python does; addresses of stores may be in it."""
    sys.stderr.write(masked("".join(traceback.format_exception(*error))))


if __name__ == "__main__":
    main()
