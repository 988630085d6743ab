from django.contrib.staticfiles.management.commands.runserver import Command as Runserver
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from config.publishing import refuse_to_publish, refuse_to_publish_the_demo


class Command(Runserver):
    """Django's server for development, for this machine alone if others know its secrets."""

    addr: str

    def run(self, **options):
        try:
            refuse_to_publish(self.addr)
            refuse_to_publish_the_demo(self.addr)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        super().run(**options)
