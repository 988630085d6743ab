import pytest

from tests.readers.log import table_of_what_was_read


@pytest.fixture
def read_table(db):
    with table_of_what_was_read():
        yield
