"""The reader that counts for the dashboard."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from activities.logs import ACTIVITIES
from activities.models import ActivityType, SystemType
from automations.logs import EMAIL_EVENTS
from consents.logs import AGREEMENTS
from contacts.logs import CHANGES, CONTACTS, MERGES, TOUCHED
from contacts.models import Contact
from figures import correcting, people
from figures.counts import Key, add_counts
from figures.models import Count
from figures.people import Appearances
from figures.sources import campaign_of, page_of, referrer_of
from figures.times import Times
from groups.facts import ENTRIES
from readers.reading import Reader, read_next

Kind = Count.Kind

# Longer addresses are cut: what is counted of them stands at their beginning.
_ACTIVITIES = """
SELECT coalesce(contact.merged_into_id, contact.id), activity.type_id, activity.channel_id,
    activity.tracked_site_id, extract(epoch FROM activity.occurred_at)::float8,
    CASE WHEN activity.type_id = %(visit)s THEN left(activity.url, 2000) END,
    CASE WHEN activity.type_id = %(visit)s THEN left(activity.referrer, 500) END
FROM activities_activity AS activity
JOIN contacts_contact AS contact ON contact.id = activity.contact_id
WHERE activity.id = ANY(%(ids)s)
"""
_AGREEMENTS = """
SELECT CASE WHEN agreed THEN 'agreed' ELSE 'revoked' END, consent_id::text,
    extract(epoch FROM at)::float8
FROM consents_consentagreement WHERE id = ANY(%(ids)s)
"""
_ENTRIES = """
SELECT CASE WHEN entered THEN 'entered' ELSE 'left' END, group_id::text,
    extract(epoch FROM at)::float8
FROM groups_membershipevent WHERE id = ANY(%(ids)s)
"""
# What programs do that look through emails is no success.
_EMAIL_EVENTS = """
SELECT 'email', kind, extract(epoch FROM at)::float8
FROM automations_emailevent WHERE id = ANY(%(ids)s) AND NOT by_robot
"""
_CONTACTS_OF_CHANGES = "SELECT contact_id FROM contacts_contactchange WHERE id = ANY(%s)"


class _Row(NamedTuple):
    contact_id: int
    type_id: int
    channel_id: int
    tracked_site_id: int | None
    seconds: float
    url: str | None
    referrer: str | None


def count_activities(ids: list[int]) -> None:
    """Count these activities, their pages and sources, and the people who did them."""
    visit = ActivityType.objects.get(code_name=SystemType.PAGE_VISIT).pk
    rows = [_Row(*row) for row in _rows(_ACTIVITIES, {"ids": ids, "visit": visit})]
    times = Times(timezone.now())
    counts: Counter[Key] = Counter()
    for row in rows:
        if (at := times.of(row.seconds)) is not None:
            counts.update((kind, at, key) for kind, key in _keys_of(row))
    add_counts(counts)
    _count_people(rows, times)


def _keys_of(row: _Row) -> Iterable[tuple[str, str]]:
    """What an activity counts for."""
    yield Kind.TYPE, str(row.type_id)
    yield Kind.CHANNEL, str(row.channel_id)
    if row.tracked_site_id is not None:
        yield Kind.SITE, str(row.tracked_site_id)
    if not row.url:
        return
    if page := page_of(row.url):
        yield Kind.PAGE, page
    if row.referrer and (referrer := referrer_of(row.url, row.referrer)):
        yield Kind.REFERRER, referrer
    if campaign := campaign_of(row.url):
        yield Kind.CAMPAIGN, campaign


def _count_people(rows: list[_Row], times: Times) -> None:
    first: dict[int, float] = {}
    appearances = Appearances()
    for row in rows:
        first[row.contact_id] = min(row.seconds, first.get(row.contact_id, row.seconds))
        if (at := times.of(row.seconds)) is not None:
            appearances.seen[at].add(row.contact_id)
    for contact_id in people.mark_seen(first):
        if (at := times.of(first[contact_id])) is not None:
            appearances.new[at].add(contact_id)
    people.add(appearances)


def count_agreements(ids: list[int]) -> None:
    """Count these answers to consents."""
    _count_rows(_AGREEMENTS, ids)


def count_entries(ids: list[int]) -> None:
    """Count these entries into groups and exits from them."""
    _count_rows(_ENTRIES, ids)


def count_email_events(ids: list[int]) -> None:
    """Count what became of these emails."""
    _count_rows(_EMAIL_EVENTS, ids)


def _count_rows(sql: str, ids: list[int]) -> None:
    times = Times(timezone.now())
    counts: Counter[Key] = Counter()
    for kind, key, seconds in _rows(sql, {"ids": ids}):
        if (at := times.of(seconds)) is not None:
            counts[Kind(kind), at, key] += 1
    add_counts(counts)


def look_who_is_known(ids: list[int]) -> None:
    """Look again whether these contacts have an email or a name."""
    found = Contact.objects.live().filter(pk__in=ids)
    rows = found.values_list("pk", "email", "first_name", "middle_name", "last_name")
    named = {pk for pk, *words in rows if any(words)}
    people.name(named, set(ids) - named)


def look_who_changed(ids: list[int]) -> None:
    """Look again at the contacts of these changes."""
    look_who_is_known([contact_id for (contact_id,) in _rows(_CONTACTS_OF_CHANGES, [ids])])


def _rows(sql: str, params: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


FIGURES = Reader(
    "figures",
    {
        ACTIVITIES: count_activities,
        AGREEMENTS: count_agreements,
        CHANGES: look_who_changed,
        CONTACTS: look_who_is_known,
        EMAIL_EVENTS: count_email_events,
        ENTRIES: count_entries,
        MERGES: correcting.follow_merges,
        TOUCHED: correcting.look_again,
    },
)


def catch_up() -> None:
    """Let the reader read all that was committed."""
    while read_next(FIGURES):
        pass
