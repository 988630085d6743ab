"""A person is forgotten: what they did, who they were, and what the inspector has of them."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction

from activities.inspector import without_escapes, words_of
from activities.models import RejectedActivity
from contacts.erasing import erase_records, lock_records
from contacts.models import Contact


@transaction.atomic
def erase_contact(contact_id: int) -> None:
    """Delete this contact, everybody who was merged into them, and all that is known of them.

    :raises Contact.DoesNotExist: if there is no such contact
    """
    records = lock_records(contact_id)
    _release_claims(records)
    erased = erase_records(records)
    RejectedActivity.objects.filter(contact_guid__in=erased.guids).delete()
    for name in (*erased.guids, *erased.emails):
        _forget_rejections_with(name)


def _release_claims(records: list[Contact]) -> None:
    """Delete the activity ids that clients chose for what these contacts did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM activities_activityclaim claim USING activities_activity activity"
            " WHERE activity.contact_id = ANY(%s) AND claim.channel_id = activity.channel_id"
            " AND claim.client_id = activity.client_id",
            [[contact.pk for contact in records]],
        )


def _forget_rejections_with(name: str) -> None:
    """Delete what the inspector has with this GUID or email in its payload."""
    likely = RejectedActivity.objects.alias(words=SearchVector("payload_text", config="simple"))
    # With the words alone, ann@example.com would take mary-ann@example.com along.
    pattern = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)
    for query in _spellings(name):
        rows = likely.filter(words=query).values_list("pk", "payload")
        found = [pk for pk, payload in rows.iterator(chunk_size=100) if _has(payload, pattern)]
        RejectedActivity.objects.filter(pk__in=found).delete()


def _spellings(name: str) -> Iterable[SearchQuery]:
    """What finds `name` as it is, escaped as in a form, and so in a string of JSON."""
    for spelling in sorted({name, quote(name, safe=""), quote(f'"{name}', safe="")}):
        yield SearchQuery(" ".join(words_of(spelling)), config="simple", search_type="phrase")


def _has(payload: bytes, pattern: re.Pattern[str]) -> bool:
    text = bytes(payload).decode(errors="replace")
    return any(pattern.search(without_escapes(one)) for one in (text, unquote(unquote(text))))
