"""manage.py reset_second_factor: for a user who lost the phone and the recovery codes."""

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Remove a user's authenticator app, passkeys and recovery codes."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username: str, **options) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"No user is called {username!r}.")
        count, _ = Authenticator.objects.filter(user=user).delete()
        self.stdout.write(f"{username} now logs in with the password alone ({count} removed).")
