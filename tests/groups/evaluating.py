"""Running compiled rules."""

from django.db import connection

from groups.compiling import members, of_contacts
from groups.rules import parse


def run(statement):
    """The rows of a statement as {contact id: (holds, due_at)}."""
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, list(statement.params))
        rows = cursor.fetchall()
    assert len({id for id, _, _ in rows}) == len(rows)
    return {id: (holds, due) for id, holds, due in rows}


def members_now(rule, now):
    """The ids of the members, by a statement for all contacts."""
    return {id for id, (holds, _) in run(members(parse(rule), now=now)).items() if holds}


def members_among(rule, contacts, now):
    """The ids of the members among these contacts, by a statement for them alone."""
    ids = [contact.pk for contact in contacts]
    found = run(of_contacts(parse(rule), ids, now=now))
    return {id for id, (holds, _) in found.items() if holds}
