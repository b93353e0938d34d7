import sys
from pathlib import Path

import pytest

# Test modules are imported without their folder on the path; `random_fits` is shared by them.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def table():
    from random_fits import make_table

    return make_table()
