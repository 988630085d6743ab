"""Files of these tests are in a folder of each."""

import pytest


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """The hub's folder for data; nothing else of it is there."""
    settings.DATA_DIR = tmp_path / "data"
