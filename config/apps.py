import atexit

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules, import_string

from config.celery import app
from config.pools import close_connections
from jobs.declaring import schedule


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        # Each app declares its work in a module `jobs`.
        autodiscover_modules("jobs")
        app.conf.beat_schedule = schedule(settings.SWEEP_SECONDS)
        # Models can be imported now.
        post_migrate.connect(import_string("config.audited.keep_triggers"))
        post_migrate.connect(import_string("config.roles.keep_roles"))
        # From Python 3.13 on, the threads of a pool stand still before it is cleared away, and it
        # would wait five seconds for each of them.
        atexit.register(close_connections)
