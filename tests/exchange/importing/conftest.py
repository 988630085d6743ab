"""Files of imports, and what becomes of them without a worker."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adminsite.roles import give_roles
from exchange.importing.acting import start_check, start_import, start_undo, work_through
from exchange.importing.files import add_file
from exchange.importing.mapping import Mapping


class Imports:
    """Imports files whose texts tests give, as users and workers do together."""

    def __init__(self, folder):
        self.folder, self.files = folder, 0

    def check(self, text, mapping=None, **fields):
        """An import of a file with this text, which was checked."""
        self.files += 1
        file = self.folder / f"people-{self.files}.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        import_ = add_file(file, **fields)
        headers = file.read_text(errors="replace").splitlines()[0].split(",")
        start_check(import_, mapping or Mapping.by_names(headers, kind=import_.kind))
        work_through(import_)
        return import_

    def bring_in(self, text, mapping=None, **fields):
        """The same, imported."""
        import_ = self.check(text, mapping, **fields)
        start_import(import_)
        work_through(import_)
        return import_

    def undo(self, import_):
        """Undo an import, and return what came of it."""
        start_undo(import_)
        work_through(import_)
        return import_.undone


@pytest.fixture
def marketer(db):
    """A client in which a marketer is logged in, and no more."""
    client, user = Client(), User.objects.create(username="marketer", is_staff=True)
    give_roles(user, ["marketer"])
    client.force_login(user)
    return client


@pytest.fixture
def imports(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    return Imports(tmp_path)
