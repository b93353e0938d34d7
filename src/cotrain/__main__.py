"""`cotrain` and `python -m cotrain`: the command line, or what to install for it."""

import sys

from cotrain.exceptions import missing_package


def main() -> None:
    """Run the command line; a package that is not installed is one line and exit code 2."""
    try:
        from cotrain.cli import main as run

        run()
    except ModuleNotFoundError as error:
        told = missing_package(error)
        if told is None:
            raise
        sys.stderr.write(f"cotrain: {told}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
