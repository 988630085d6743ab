"""manage.py load_demo_data: a bank with two channels and sixty days of contacts."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo.loading import LOGIN, PASSWORD, DemoFailed, load_demo


class Command(BaseCommand):
    help = (
        "Load a made-up bank's channels, consents, activity types and contacts, and the login "
        f"{LOGIN} / {PASSWORD}. Safe to repeat: what is there already stays as it is."
    )

    def handle(self, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo brings a login that everybody knows, so it is not loaded in production."
            )
        if settings.READ_ONLY:
            self.stdout.write("The hub is read-only, so the demo data stays as it is.")
            return
        try:
            loaded = load_demo()
        except DemoFailed as error:
            raise CommandError(f"The demo data was not loaded. {error}") from error
        if loaded:
            self.stdout.write(f"Loaded the demo: Alder Bank, with {loaded} contacts over 60 days.")
        else:
            self.stdout.write("The demo data is there.")
