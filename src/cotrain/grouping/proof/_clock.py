"""A safety against searches without end; what stops by it says so."""

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Whether `seconds` are over, and whether anybody was stopped by that.

    Searches end after counted steps, so that they do the same anywhere; the clock is for problems
    far beyond what those steps were chosen for.
    """

    seconds: float
    struck: bool = False
    _begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Return the seconds that are left, a little more than 0."""
        return max(self.seconds - (time.monotonic() - self._begun), 0.01)

    def is_over(self) -> bool:
        """Return whether the seconds are over: to be asked by what then stops."""
        self.struck = self.struck or time.monotonic() - self._begun > self.seconds
        return self.struck
