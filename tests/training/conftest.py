import pytest
from random_fits import make_table

from cotrain.tasks import TaskTable


@pytest.fixture(scope="session")
def mixed() -> TaskTable:
    return make_table()
