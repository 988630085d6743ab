"""A test database is made of one that a run before has migrated, if the code is still the same.

Migrating takes longer than most tests of a change. On a server of this checkout alone a copy is
kept, named after the code: migrations use some of it, and so does what follows them.
"""

import hashlib

from django.conf import settings
from django.db import connection

_PREFIX = "migrated_"
_NO_CODE_OF_THE_HUB = {"benchmarks", "docs", "scripts", "tests"}


def use():
    """Have the test database made of the copy, if there is one."""
    if _is_of_this_checkout() and _name() in _kept():
        connection.settings_dict["TEST"]["TEMPLATE"] = _name()


def keep():
    """Copy the test database, which no test has used yet, in the place of other copies."""
    if not _is_of_this_checkout() or connection.settings_dict["TEST"].get("TEMPLATE"):
        return
    migrated = connection.settings_dict["NAME"]
    # PostgreSQL copies no database that is in use.
    connection.close()
    connection.close_pool()
    for name in _kept():
        _execute(f'DROP DATABASE "{name}"')
    _execute(f'CREATE DATABASE "{_name()}" TEMPLATE "{migrated}"')


def _is_of_this_checkout():
    return settings.DATABASES["default"]["ENGINE"] == "config.embedded"


def _name():
    code = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for folder in sorted(settings.BASE_DIR.iterdir()):
        if folder.name.startswith(".") or folder.name in _NO_CODE_OF_THE_HUB:
            continue
        for file in sorted(folder.rglob("*.py")):
            code.update(bytes(file.relative_to(settings.BASE_DIR)) + file.read_bytes())
    return _PREFIX + code.hexdigest()[:16]


def _kept():
    return {
        name for (name,) in _execute("SELECT datname FROM pg_database") if name.startswith(_PREFIX)
    }


def _execute(sql):
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []
