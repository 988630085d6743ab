import atexit

from django.apps import AppConfig

from config.pools import close_connections


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        # From Python 3.13 on, the threads of a pool stand still before it is cleared away, and it
        # would wait five seconds for each of them.
        atexit.register(close_connections)
