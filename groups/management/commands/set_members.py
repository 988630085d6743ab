"""manage.py set_members CODE_NAME FILE: fills a static group from a file."""

import io
import json

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from groups.finding import group_with_code_name
from groups.lists import NoText, set_members, text_of
from groups.membership import NotStatic


class Command(BaseCommand):
    help = "Put the contacts of a file, a GUID or an email on each line, into a static group."

    def add_arguments(self, parser):
        parser.add_argument("code_name", help="of the group")
        parser.add_argument("file", help="UTF-8 text with a GUID or an email on each line")
        parser.add_argument("--remove", action="store_true", help="take them out of the group")

    def handle(self, *, code_name: str, file: str, remove: bool, **options) -> None:
        group = group_with_code_name(code_name)
        if group is None:
            raise CommandError(f"There is no contact group with the code name {code_name}.")
        try:
            with open(file, "rb") as given:
                # A pipe is read once only.
                lines = text_of(given if given.seekable() else io.BytesIO(given.read()))
                result = set_members(group, lines, remove=remove)
        except NotStatic as error:
            raise CommandError(str(error)) from None
        except NoText as error:
            raise CommandError(f"{file}: {error}") from None
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        self.stdout.write(json.dumps(result, ensure_ascii=False))
