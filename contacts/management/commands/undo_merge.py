"""manage.py undo_merge ID: makes two contacts of one again, and says what did not come back."""

import json

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from adminsite.audit import note
from adminsite.searching import as_id
from contacts.models import ContactMerge
from contacts.undoing import CannotUndo, settle_undone, undo_merge


class Command(BaseCommand):
    help = "Undo a merge of contacts, and say what was brought back and what could not be."

    def add_arguments(self, parser):
        parser.add_argument("merge", help="the id of the merge, as its page has it")

    def handle(self, *, merge: str, **options) -> None:
        merge_id = as_id(merge)
        if merge_id is None:
            raise CommandError(f"This is no id of a merge: {merge[:50]}")
        try:
            undone = undo_merge(merge_id)
        except CannotUndo as error:
            raise CommandError(str(error)) from None
        # Of very many activities, the rest: what is printed has gone back.
        settle_undone([undone.pk])
        note("Undid a merge.", model=ContactMerge, object_id=merge_id)
        told = {"restored": undone.restored, "not_restored": undone.not_restored}
        self.stdout.write(json.dumps(told))
