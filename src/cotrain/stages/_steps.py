"""A line that says what a stage is at, where it takes long."""

from types import TracebackType

from tqdm import tqdm


class Steps:
    """Shows the step under way, how many are done, and the time since the first began.

    Used as a context manager and called with the name of each step as it begins. Nothing is shown
    where nobody looks (a file, a pipe).
    """

    def __init__(self, stage: str, n_steps: int) -> None:
        self._stage = stage
        self._bar = tqdm(
            total=n_steps,
            desc=stage,
            bar_format="{desc} {n_fmt}/{total_fmt}|{bar}| {elapsed}",
            disable=None,
            leave=False,
        )
        self._begun = False

    def __call__(self, name: str) -> None:
        """Begin the step of this name; the one before is done."""
        self._bar.set_description_str(f"{self._stage}: {name}", refresh=not self._begun)
        if self._begun:
            self._bar.update()
            self._bar.refresh()
        self._begun = True

    def __enter__(self) -> "Steps":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
