"""What can go wrong for reasons a user can mend."""


class CotrainError(Exception):
    """A failure that the user can mend: one line that says what, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class SettingsError(CotrainError):
    """`params.yaml` is not what it must be; the message names the key."""


class DataError(CotrainError):
    """A data file is not what it must be; the message names the file and the row or column."""


class TrackingError(CotrainError):
    """The tracking database or server cannot be used."""


class FitError(CotrainError):
    """One fit cannot be trained; the sweep goes on without it."""
