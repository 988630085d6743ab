"""manage.py make_user: a user of the admin with a role, for people and scripts."""

import json
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminsite.roles import all_roles
from channels.management.channel_command import demand_tables
from config.logins.making import LONGEST_PASSWORD, make_user


class Command(BaseCommand):
    help = "Make a user who may do in the admin what a role may; print the name as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        # What is missing is said in one line, as all other bad input is.
        parser.add_argument("name", nargs="?", default="", help="what the user logs in as")
        roles = ", ".join(role.code for role in all_roles())
        parser.add_argument("--role", default="", help=f"one of: {roles}")
        parser.add_argument(
            "--password", default="", help="what the user logs in with; - reads it from stdin"
        )

    def handle(self, *, name: str, role: str, password: str, **options) -> None:
        demand_tables()
        if password == "-":  # noqa: S105 -- no password, but where it comes from
            # One character more than is allowed is enough to know.
            password = sys.stdin.readline(LONGEST_PASSWORD + 3).rstrip("\r\n")
        try:
            user = make_user(name, role=role, password=password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self._warn(password, user)
        self.stdout.write(json.dumps({"user": user.username}, ensure_ascii=False))

    def _warn(self, password: str, user) -> None:
        # Scripts may want a weak one, for a hub that nobody else reaches.
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.stderr.write(f"The user was made, but: {' '.join(error.messages)}")
