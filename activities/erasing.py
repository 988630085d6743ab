"""A person is forgotten: what they did, who they were, and what the inspector has of them.

`contacts/erasures.py` goes through everything; here is what it cannot know of activities.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from urllib.parse import quote, unquote

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from activities.inspector import without_escapes, words_of
from activities.models import Activity, ActivityType, RejectedActivity, Replay
from activities.seen import hold_counts, uncount
from contacts import erasures
from contacts.erasing_texts import pattern_of
from contacts.erasures import Erased
from contacts.models import Contact, Erasure
from contacts.records import label_of, what_becomes_of

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
# A shorter id of a user would be found in lines that have nothing to do with it.
_SHORTEST_IDENTIFIER = 6
_RELEASE_CLAIMS = """
DELETE FROM activities_activityclaim AS claim USING activities_activity AS activity
WHERE activity.id = ANY(%s) AND claim.channel_id = activity.channel_id
    AND claim.client_id = activity.client_id
"""


def erase_contact(
    contact_id: int, *, reason: str = Erasure.Reason.CODE, by: User | None = None
) -> Erased:
    """Delete this contact, everybody who was merged into them, and all that is known of them.

    It waits for the end, which takes seconds for very many rows. `start_erasure` leaves
    that to workers.

    :param reason: a value of `Erasure.Reason`
    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    return erasures.erase(contact_id, reason=reason, by=by)


def start_erasure(contact_id: int, *, reason: str, by: User | None = None) -> Erasure:
    """Take the names from this person, whom nothing finds from then on; workers do the rest.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    return erasures.start(contact_id, reason=reason, by=by)


def preview_erasure(contact_id: int) -> dict[str, dict[str, int]]:
    """How many rows would be deleted, cleared and kept, by table, as people call it.

    :raises Contact.DoesNotExist: if there is no such contact, or it is being erased
    """
    return what_becomes_of(contact_id)


def register() -> None:
    """Have erasures take along what is known of the person here."""
    erasures.before_erasing(_forget_senders)
    erasures.lock_for_portions(hold_counts)
    erasures.before_deleting(Activity, _uncount)
    erasures.forget_texts(_forget_rejections)
    erasures.forget_texts(_forget_types)


def _uncount(activity_ids: Sequence[int]) -> None:
    """Take these activities out of what was counted, and release the ids that clients chose."""
    uncount(activity_ids)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_CLAIMS, [list(activity_ids)])


def _forget_rejections(erased: Erased) -> dict[str, int]:
    """Delete the lines of the inspector that came under a GUID of the person, or name them."""
    spellings = [*erased.guids, *map(str.upper, erased.guids)]
    count, _ = RejectedActivity.objects.filter(contact_guid__in=spellings).delete()
    for name in erased.spellings:
        count += _forget_rejections_with(name)
    for identifier in erased.identifiers:
        if len(identifier.value) >= _SHORTEST_IDENTIFIER:
            of_site = Q(channel__site_id=identifier.site_id)
            count += _forget_rejections_with(identifier.value, of_site)
    return {label_of(RejectedActivity): count}


def _forget_types(erased: Erased) -> dict[str, int]:
    """Forget types that were made of event names in which the person is named."""
    named = Q(name__iregex=pattern_of(erased)) | Q(code_name__iregex=pattern_of(erased))
    count = 0
    for one in ActivityType.objects.exclude(door="").filter(named):
        count += 1
        if not one.activities.exists():
            with suppress(ProtectedError), transaction.atomic():
                one.delete()
                continue
        one.name = one.code_name = f"erased {one.pk}"
        one.save(update_fields=["name", "code_name"])
    return {label_of(ActivityType): count}


def _forget_senders(records: Sequence[Contact]) -> None:
    """Take the GUIDs of these contacts out of what they sent about others.

    A data input with another contact's email belongs to that contact, and so does its activity.
    Both stay, as if they had been logged under that contact's GUID.
    """
    ids = [contact.pk for contact in records]
    guids = "|".join(str(contact.guid).replace("-", "-?") for contact in records)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_SENDERS, {"ids": ids, "guids": guids})


def _forget_rejections_with(name: str, among: Q | None = None) -> int:
    """Delete what the inspector has with this name, in its payload or what it says."""
    count = 0
    lines = RejectedActivity.objects.filter(among or Q())
    likely = lines.alias(words=SearchVector("payload_text", config="simple"))
    # With the words alone, ann@example.com would take mary-ann@example.com along.
    pattern = re.compile(rf"(?<![\w.+-]){re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)
    for query in _spellings(name):
        rows = likely.filter(words=query).values_list("pk", "payload")
        found = [pk for pk, payload in rows.iterator(chunk_size=100) if _has(payload, pattern)]
        count += RejectedActivity.objects.filter(pk__in=found).delete()[0]
    texts = ("reason", "field", "named", "test_code", "replay_reason")
    said = Q(*[(f"{text}__icontains", name) for text in texts], _connector=Q.OR)
    told_of = lines.filter(said).values_list("pk", *texts)
    named = [pk for pk, *given in told_of if any(pattern.search(str(text)) for text in given)]
    count += RejectedActivity.objects.filter(pk__in=named).delete()[0]
    replays = Replay.objects.filter(named__icontains=name).values_list("pk", "named")
    told = [pk for pk, given in replays if pattern.search(given)]
    # Their lines are gone. No two that wait may have the same cause, so none of these waits on.
    Replay.objects.filter(pk__in=told, status=Replay.Status.WAITING).update(
        status=Replay.Status.STOPPED, finished_at=timezone.now()
    )
    Replay.objects.filter(pk__in=told).update(named="")
    return count


def _spellings(name: str) -> Iterable[SearchQuery]:
    """What finds `name` as it is, escaped as in a form, and so in a string of JSON."""
    for spelling in sorted({name, quote(name, safe=""), quote(f'"{name}', safe="")}):
        yield SearchQuery(" ".join(words_of(spelling)), config="simple", search_type="phrase")


def _has(payload: bytes, pattern: re.Pattern[str]) -> bool:
    text = bytes(payload).decode(errors="replace")
    return any(pattern.search(without_escapes(one)) for one in (text, unquote(unquote(text))))
