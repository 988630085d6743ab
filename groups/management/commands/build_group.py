"""manage.py build_group CODE_NAME: evaluates a group's rule for all contacts, and waits for it."""

import json
import time

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from adminsite.audit import note
from groups.building import NotYet, build_now
from groups.finding import group_with_code_name
from groups.models import GroupBuild
from groups.requesting import CannotBuild
from groups.rules import InvalidRule


class Command(BaseCommand):
    help = "Evaluate the rule of a contact group for all contacts, and wait until it is done."

    def add_arguments(self, parser):
        parser.add_argument("code_name", help="of the group")

    def handle(self, *, code_name: str, **options) -> None:
        group = group_with_code_name(code_name)
        if group is None:
            raise CommandError(f"There is no contact group with the code name {code_name}.")
        started_at = time.monotonic()
        try:
            build = build_now(group)
        except (CannotBuild, InvalidRule, NotYet) as error:
            raise CommandError(str(error)) from None
        if build.status != GroupBuild.Status.DONE:
            raise CommandError(f"The build of {group.name} was cancelled.")
        note("Built the group.", model=group, name=group.name)
        seconds = round(time.monotonic() - started_at, 3)
        self.stdout.write(json.dumps({"members": build.members, "seconds": seconds}))
