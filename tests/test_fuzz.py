"""A moment of what tests/chaos/fuzz.py does for as long as one likes."""

import pytest
from fuzzing import TARGETS
from hypothesis import HealthCheck, given, settings


@pytest.mark.parametrize("name", TARGETS)
def test_what_nobody_would_write_is_read_or_told_in_one_line(name):
    strategy, check = TARGETS[name]
    usual = settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    usual(given(strategy)(check))()
