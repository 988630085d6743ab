"""Erasures in tests, and hands that edit what is never edited."""

import json
from contextlib import contextmanager

from django.db import connection

from activities.erasing import erase_contact
from privacy import erasure_file
from privacy.certificates import because, certificate_of_erasure
from privacy.models import Certificate, ErasureLine
from tests.factories import make_contact


def erase(contact=None, reason="A letter of 3 May", **kwargs):
    """Erase a person for a reason; the certificate."""
    contact = contact or make_contact(email="ada@example.com")
    with because(reason):
        erased = erase_contact(contact.pk, **{"reason": "request", **kwargs})
    return certificate_of_erasure(erased.erasure_id)


@contextmanager
def unguarded():
    """What a superuser can do: meanwhile no trigger refuses anything."""
    with connection.cursor() as cursor:
        # Of keys that are checked at the end, or triggers could not be changed.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("privacy_certificate", "privacy_erasureline"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in ("privacy_certificate", "privacy_erasureline"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def go_back_to(number):
    """Let the database be as before the erasures after certificate `number`, as a backup is."""
    later = Certificate.objects.filter(number__gt=number)
    lines = list(later.values_list("line", flat=True))
    with unguarded():
        ErasureLine.objects.filter(pk__in=lines).delete()
        later.delete()


def written(kind=None):
    """The lines of the file as JSON, all or those of a kind."""
    path = erasure_file.path()
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if kind in (None, line["kind"])]
