from cotrain.progress import Progress


class Steps(Progress):
    """Progress by steps: called with the name of each as it begins."""

    def __init__(self, stage: str, n_steps: int) -> None:
        super().__init__(stage)
        self._stage = stage
        self._n_steps = n_steps
        self._step = 0

    def __call__(self, name: str) -> None:
        """Begin the step of this name; the one before is done."""
        self._step += 1
        self.what = f"{self._stage}: {name} ({self._step} of {self._n_steps})"
