"""The programs that tests of training share."""

import pytest
from tiny_population import TinyPopulation, tiny_population


@pytest.fixture(scope='session')
def tiny() -> TinyPopulation:
    return tiny_population()
