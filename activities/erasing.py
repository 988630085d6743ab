"""A person is forgotten: what they did, who they were, and what the inspector has of them.

`contacts/erasures.py` goes through everything; here is what it cannot know of activities.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from itertools import batched
from urllib.parse import quote, unquote

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction
from django.db.models import ProtectedError, Q, QuerySet
from django.utils import timezone

from activities.deleting import let_go
from activities.inspector import without_escapes, words_of
from activities.models import Activity, ActivityType, RejectedActivity, Replay
from activities.seen import hold_counts
from contacts import erasures
from contacts.erasing_rows import before_deleting
from contacts.erasing_texts import patterns_of
from contacts.erasures import Choose, Erased
from contacts.models import Contact, Erasure
from contacts.names_among import NamesAmong
from contacts.records import label_of, spelled_guids, what_becomes_of

# What clients wrote into an activity may have the GUID, too: an address to unsubscribe, say.
_FORGET_SENDERS = """
WITH redirected AS (
    SELECT input.id, input.activity_id, owner.guid, sender.guids
    FROM unnest(%(ids)s::bigint[], %(guids)s::text[]) AS sender (id, guids)
    JOIN activities_datainput AS input ON input.sent_by_id = sender.id
    JOIN contacts_contact AS owner ON owner.id = input.contact_id
    WHERE input.contact_id <> ALL(%(ids)s::bigint[])
), changed AS (
    UPDATE activities_datainput AS input SET
        fields = regexp_replace(fields::text, guids, guid::text, 'gi')::jsonb,
        detail = regexp_replace(detail, guids, guid::text, 'gi')
    FROM redirected WHERE redirected.id = input.id
)
UPDATE activities_activity AS activity SET
    logged_as = guid,
    title = regexp_replace(title, guids, guid::text, 'gi'),
    value = left(regexp_replace(value, guids, guid::text, 'gi'), 250),
    url = regexp_replace(url, guids, guid::text, 'gi'),
    referrer = regexp_replace(referrer, guids, guid::text, 'gi'),
    properties = regexp_replace(properties::text, guids, guid::text, 'gi')::jsonb
FROM redirected WHERE redirected.activity_id = activity.id
"""
# A shorter id of a user would be found in lines that have nothing to do with it.
_SHORTEST_IDENTIFIER = 6
_PHRASES_AT_ONCE, _READ_AT_ONCE = 250, 2_000


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


def erase_contacts(
    contact_ids: Collection[int], choose: Choose, *, reason: str = Erasure.Reason.CODE
) -> Erased | None:
    """The same of some hundred contacts together, in hardly more time than one takes.

    :param choose: called with the ids of those who are there, once nobody can add anything about
        them: those of them who go
    :param reason: a value of `Erasure.Reason`
    :return: what became of them; None if nobody was erased
    """
    return erasures.erase_many(contact_ids, choose, reason=reason)


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
    before_deleting(Activity, let_go)
    erasures.forget_texts(_forget_rejections)
    erasures.forget_texts(_forget_types)


def _forget_rejections(erased: Erased) -> dict[str, int]:
    """Delete the lines of the inspector that came under a GUID of the people, or name them."""
    spellings = [*erased.guids, *map(str.upper, erased.guids)]
    lines = RejectedActivity.objects.all()
    count, _ = lines.filter(contact_guid__in=spellings).delete()
    count += _forget_rejections_with(erased.spellings, lines)
    of_sites: dict[str, list[str]] = defaultdict(list)
    for identifier in erased.identifiers:
        if len(identifier.value) >= _SHORTEST_IDENTIFIER:
            of_sites[identifier.site_id].append(identifier.value)
    for site_id, values in sorted(of_sites.items()):
        count += _forget_rejections_with(values, lines.filter(channel__site_id=site_id))
    return {label_of(RejectedActivity): count}


def _forget_types(erased: Erased) -> dict[str, int]:
    """Forget types that were made of event names in which people are named.

    Of a type that others use, a first and a last name are no name of a person: a visitor who enters
    “Page” and “Visit” into a form would take a type along that groups and automations ask for.
    """
    made = ActivityType.objects.exclude(door="")
    texts = (f"{name} {code_name}" for name, code_name in made.values_list("name", "code_name"))
    spelled = re.compile("|".join(map(re.escape, erased.spellings)), re.IGNORECASE)
    count = 0
    for pattern in patterns_of(erased, texts):
        for one in made.filter(Q(name__iregex=pattern) | Q(code_name__iregex=pattern)):
            is_used = one.activities.exists()
            if is_used and not spelled.search(f"{one.name}\n{one.code_name}"):
                continue
            count += 1
            if not is_used:
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
    guids = spelled_guids(records)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_SENDERS, {"ids": list(guids), "guids": list(guids.values())})


def _forget_rejections_with(names: Collection[str], lines: QuerySet[RejectedActivity]) -> int:
    """Delete what the inspector has with one of these names, in its payload or what it says."""
    is_named, count = NamesAmong(names).name_somebody_in, 0
    likely = lines.alias(words=SearchVector("payload_text", config="simple"))
    for some in batched(sorted(names), _PHRASES_AT_ONCE):
        rows = likely.filter(words=_any_of(some)).values_list("pk", "payload")
        found = [pk for pk, given in rows.iterator(chunk_size=100) if is_named(*_texts_in(given))]
        count += RejectedActivity.objects.filter(pk__in=found).delete()[0]
    told_of = lines.values_list("pk", "reason", "field", "named", "test_code", "replay_reason")
    rows_of_texts = told_of.iterator(chunk_size=_READ_AT_ONCE)
    said = [pk for pk, *texts in rows_of_texts if is_named(*map(str, texts))]
    count += RejectedActivity.objects.filter(pk__in=said).delete()[0]
    replays = Replay.objects.exclude(named="").values_list("pk", "named")
    told = [pk for pk, given in replays if is_named(given)]
    # Their lines are gone. No two that wait may have the same cause, so none of these waits on.
    Replay.objects.filter(pk__in=told, status=Replay.Status.WAITING).update(
        status=Replay.Status.STOPPED, finished_at=timezone.now()
    )
    Replay.objects.filter(pk__in=told).update(named="")
    return count


def _any_of(names: Iterable[str]) -> SearchQuery:
    """What finds a name as it is, escaped as in a form, and so in a string of JSON."""
    phrases = {
        " <-> ".join(f"'{word}'" for word in words_of(spelling))
        for name in names
        for spelling in (name, quote(name, safe=""), quote(f'"{name}', safe=""))
    }
    text = " | ".join(f"({phrase})" for phrase in sorted(phrases) if phrase)
    return SearchQuery(text, config="simple", search_type="raw")


def _texts_in(payload: bytes) -> list[str]:
    text = bytes(payload).decode(errors="replace")
    return [without_escapes(one) for one in (text, unquote(unquote(text)))]
