"""A person is forgotten: what they did, who they were, and what the inspector has of them."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction
from django.db.models import Q

from activities.inspector import without_escapes, words_of
from activities.models import RejectedActivity
from contacts.erasing import erase_records, lock_records
from contacts.models import Contact

# What clients wrote into an activity may have the GUID, too: an address to unsubscribe, say.
_FORGET_SENDERS = """
WITH redirected AS (
    SELECT input.id, input.activity_id, owner.guid
    FROM activities_datainput AS input JOIN contacts_contact AS owner ON owner.id = input.contact_id
    WHERE input.sent_by_id = ANY(%(ids)s) AND input.contact_id <> ALL(%(ids)s)
), changed AS (
    UPDATE activities_datainput AS input SET
        fields = regexp_replace(fields::text, %(guids)s, guid::text, 'gi')::jsonb,
        detail = regexp_replace(detail, %(guids)s, guid::text, 'gi')
    FROM redirected WHERE redirected.id = input.id
)
UPDATE activities_activity AS activity SET
    logged_as = guid,
    title = regexp_replace(title, %(guids)s, guid::text, 'gi'),
    value = left(regexp_replace(value, %(guids)s, guid::text, 'gi'), 250),
    url = regexp_replace(url, %(guids)s, guid::text, 'gi'),
    referrer = regexp_replace(referrer, %(guids)s, guid::text, 'gi'),
    properties = regexp_replace(properties::text, %(guids)s, guid::text, 'gi')::jsonb
FROM redirected WHERE redirected.activity_id = activity.id
"""


@transaction.atomic
def erase_contact(contact_id: int) -> None:
    """Delete this contact, everybody who was merged into them, and all that is known of them.

    :raises Contact.DoesNotExist: if there is no such contact
    """
    records = lock_records(contact_id)
    _release_claims(records)
    _forget_senders(records)
    erased = erase_records(records)
    spellings = [*erased.guids, *map(str.upper, erased.guids)]
    RejectedActivity.objects.filter(contact_guid__in=spellings).delete()
    without_hyphens = [guid.replace("-", "") for guid in erased.guids]
    for name in (*erased.guids, *without_hyphens, *erased.emails):
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


def _forget_senders(records: list[Contact]) -> None:
    """Take the GUIDs of these contacts out of what they sent about others.

    A data input with somebody else's email is that contact's, and so is its activity; both stay,
    as if they had been logged under the GUID of the contact whose they are.
    """
    ids = [contact.pk for contact in records]
    guids = "|".join(str(contact.guid).replace("-", "-?") for contact in records)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_SENDERS, {"ids": ids, "guids": guids})


def _forget_rejections_with(name: str) -> None:
    """Delete what the inspector has with this GUID or email, in its payload or what it says."""
    likely = RejectedActivity.objects.alias(words=SearchVector("payload_text", config="simple"))
    # With the words alone, ann@example.com would take mary-ann@example.com along.
    pattern = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)
    for query in _spellings(name):
        rows = likely.filter(words=query).values_list("pk", "payload")
        found = [pk for pk, payload in rows.iterator(chunk_size=100) if _has(payload, pattern)]
        RejectedActivity.objects.filter(pk__in=found).delete()
    texts = ("reason", "field", "test_code")
    said = Q(*[(f"{text}__icontains", name) for text in texts], _connector=Q.OR)
    lines = RejectedActivity.objects.filter(said).values_list("pk", *texts)
    named = [pk for pk, *given in lines if any(pattern.search(str(text)) for text in given)]
    RejectedActivity.objects.filter(pk__in=named).delete()


def _spellings(name: str) -> Iterable[SearchQuery]:
    """What finds `name` as it is, escaped as in a form, and so in a string of JSON."""
    for spelling in sorted({name, quote(name, safe=""), quote(f'"{name}', safe="")}):
        yield SearchQuery(" ".join(words_of(spelling)), config="simple", search_type="phrase")


def _has(payload: bytes, pattern: re.Pattern[str]) -> bool:
    text = bytes(payload).decode(errors="replace")
    return any(pattern.search(without_escapes(one)) for one in (text, unquote(unquote(text))))
