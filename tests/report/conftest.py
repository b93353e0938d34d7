from collections.abc import Callable
from pathlib import Path

import pytest
from report_tables import Tables, write_tables


@pytest.fixture
def make_tables(tmp_path: Path) -> Callable[..., Tables]:
    """Return a function that writes the tables of a study into a folder of its own."""

    def make(n_tasks: int, **options: object) -> Tables:
        return write_tables(tmp_path / f"study {n_tasks}", n_tasks, **options)  # type: ignore[arg-type]

    return make
