"""About which contacts anything goes out to a destination: those who meet its rule."""

from collections.abc import Collection

from django.db import connection

from destinations.models import Destination
from groups.compiling import WITHOUT_JIT, of_contacts
from groups.looking import clock
from groups.rules import parse

NOT_MEANT = "The rule of the destination does not hold for the contact."
_HOLDING = "SELECT contact_id FROM ({}) AS looked WHERE holds"


def meant_by(destination: Destination, contact_ids: Collection[int]) -> Collection[int]:
    """Those of these live contacts who meet the rule of the destination now; without one, all.

    Call it inside a transaction.

    :raises groups.trees.InvalidRule: if the rule cannot be read (any more)
    """
    if not destination.rule:
        return contact_ids
    tree = parse(destination.rule)
    if not contact_ids:
        return contact_ids
    holding = of_contacts(tree, contact_ids, now=clock())
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
        cursor.execute(_HOLDING.format(holding.sql), list(holding.params))
        return {contact_id for (contact_id,) in cursor.fetchall()}
