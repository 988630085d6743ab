"""A database backend for Django: PostgreSQL, on the server that the hub brings along."""

from django.conf import settings
from django.db.backends.postgresql import client

from config.embedded.postgres import EmbeddedPostgres, embedded_postgres
from config.embedded.programs import find_programs
from database.postgres import base


class DatabaseClient(client.DatabaseClient):
    """What `manage.py dbshell` runs."""

    @classmethod
    def settings_to_cmd_args_env(cls, settings_dict, parameters):
        server = _server()
        server.acquire()
        found = server.connection_parameters()
        settings_dict = {
            **settings_dict,
            "HOST": found["host"],
            "PORT": found["port"],
            "USER": found["user"],
            "PASSWORD": found["password"],
            "OPTIONS": {},
        }
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(find_programs() / "psql"), *arguments[1:]], environment


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self):
        # It may refuse, and then no server is started.
        parameters = super().get_connection_params()
        server = _server()
        server.acquire()
        return {**parameters, **server.connection_parameters()}


def _server() -> EmbeddedPostgres:
    return embedded_postgres(settings.DATA_DIR)
