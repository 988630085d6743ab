"""A database backend for Django: PostgreSQL, which a process may keep for one of its threads."""

from typing import Any

from django.db.backends.postgresql import base

from database import reserved


class DatabaseWrapper(base.DatabaseWrapper):
    # Every connection begins with these, also those of the event loop.
    def get_connection_params(self) -> dict[str, Any]:
        reserved.check()
        return super().get_connection_params()
