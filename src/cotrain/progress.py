"""A line that says how far a command is: from the second second on, and in files once a minute."""

import sys
import threading
import time
from typing import Self, TextIO

_CLEAR = "\r\x1b[K"
# On a terminal, where the line is renewed in its place; in a file or a pipe, where it stays.
_TERMINAL_SECONDS = (2.0, 1.0)
_FILE_SECONDS = (60.0, 60.0)

# From the outermost, which has the line, to the innermost, which says what it is.
_open: list["Progress"] = []


class Progress:
    """Shows what is under way, how much of it is done, and the time since it began.

    Used as a context manager. Of several within each other the innermost is shown, when the
    outermost is due: `seconds` are those until it is shown first, and again. `total` is the work
    there is, in the unit that `add` counts in; without it the time alone is shown.
    """

    def __init__(
        self,
        what: str,
        total: float | None = None,
        stream: TextIO | None = None,
        seconds: tuple[float, float] | None = None,
    ) -> None:
        self.what = what  # may be set anew as the work goes on
        self._total = total
        self._done = 0.0
        self._stream = sys.stderr if stream is None else stream
        self._on_terminal = self._stream.isatty()
        self._seconds = seconds or (_TERMINAL_SECONDS if self._on_terminal else _FILE_SECONDS)
        self.begun = time.monotonic()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, done: float = 1.0) -> None:
        """So much more of the total is done."""
        self._done += done

    def line(self, now: float | None = None) -> str:
        """What is shown at a time of `time.monotonic()`.

        >>> progress = Progress("subsets: 62 fits", total=8)
        >>> progress.add(2)
        >>> progress.line(progress.begun + 75.0)
        'subsets: 62 fits 25%, 1:15, about 3:45 left'
        """
        elapsed = (time.monotonic() if now is None else now) - self.begun
        if not self._total:
            return f"{self.what}, {_clock(elapsed)}"
        share = min(self._done / self._total, 1.0)
        left = f", about {_clock(elapsed / share - elapsed)} left" if share else ""
        return f"{self.what} {share:.0%}, {_clock(elapsed)}{left}"

    def __enter__(self) -> Self:
        _open.append(self)
        if _open[0] is self:
            self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        _open.remove(self)

    def _watch(self) -> None:
        first, again = self._seconds
        shown = False
        while not self._over.wait(again if shown else first):
            line = _open[-1].line()
            self._stream.write(f"{_CLEAR}{line}" if self._on_terminal else f"{line}\n")
            self._stream.flush()
            shown = True
        if shown and self._on_terminal:
            self._stream.write(_CLEAR)
            self._stream.flush()


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, as a clock has them."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Steps(Progress):
    """Progress by steps: called with the name of each as it begins."""

    def __init__(self, stage: str, n_steps: int) -> None:
        super().__init__(stage)
        self._stage, self._n_steps, self._step = stage, n_steps, 0

    def __call__(self, name: str) -> None:
        self._step += 1
        self.what = f"{self._stage}: {name} ({self._step} of {self._n_steps})"
