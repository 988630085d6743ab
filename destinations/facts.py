"""What happened to contacts, as destinations are told of it: read from the logs, many at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from activities.logs import ACTIVITIES
from activities.models import Activity, PropertyRule
from consents.logs import AGREEMENTS
from consents.models import ConsentAgreement
from contacts.logs import CHANGES
from contacts.models import ContactChange
from database.letter_case import fold
from database.lookups import Among
from destinations.models import Delivery
from destinations.personal import without_personal
from groups.facts import ENTRIES
from groups.models import MembershipEvent
from readers.logs import Log

_KIND = Delivery.Kind


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a contact that destinations may be told.

    :ivar source: what it is, such as `activity:4711`: no destination is told of it twice
    :ivar kind: a value of `Delivery.Kind`
    :ivar contact_id: of the contact as the log has it, who may have been merged since
    :ivar data: as messages have it
    :ivar without_personal: the same for destinations that may not have personal properties; None
        if there is no difference
    """

    source: str
    kind: str
    contact_id: int
    at: datetime
    data: Mapping[str, Any]
    without_personal: Mapping[str, Any] | None = None


def facts_in(log: Log, ids: Collection[int]) -> dict[int, Fact]:
    """By id, what these rows of a log say; two queries at most, whatever their number."""
    return _READ[log](ids)


def activity_facts(ids: Collection[int]) -> dict[int, Fact]:
    """By id, what is told of these activities, those of all that are still there."""
    rows = Activity.objects.filter(Among("pk", ids)).values_list(
        *("pk", "contact_id", "occurred_at", "type_id", "type__code_name", "type__name", "title"),
        *("value", "url", "referrer", "properties", "channel__code_name"),
        *("tracked_site__code_name", "recorded_at"),
    )
    facts, types = {}, {}
    for pk, contact_id, at, type_id, type_, name, *texts, channel, site, recorded_at in rows:
        title, value, url, referrer, properties = texts
        data = {
            "id": pk,
            "type": type_,
            "name": name,
            "title": title,
            "value": value,
            "url": url,
            "referrer": referrer,
            "properties": properties or {},
            "channel": channel,
            "tracked_site": site,
            "recorded_at": recorded_at.isoformat(),
        }
        types[pk] = type_id
        facts[pk] = Fact(f"activity:{pk}", _KIND.ACTIVITY, contact_id, at, data)
    paths = _personal_paths(set(types.values()))
    return {
        pk: replace(fact, without_personal=without_personal(fact.data, paths[types[pk]]))
        if types[pk] in paths
        else fact
        for pk, fact in facts.items()
    }


def _personal_paths(type_ids: Collection[int]) -> dict[int, list[tuple[str, ...]]]:
    """By type of activities, where its personal properties are, in the letter case of `fold`."""
    rules = PropertyRule.objects.filter(activity_type__in=type_ids, is_personal=True)
    paths: dict[int, list[tuple[str, ...]]] = {}
    for rule in rules.order_by("pk"):
        path = tuple(fold(name) for name in rule.path)
        paths.setdefault(rule.activity_type_id, []).append(path)
    return paths


def _entries(ids: Collection[int]) -> dict[int, Fact]:
    rows = MembershipEvent.objects.filter(Among("pk", ids)).values_list(
        "pk", "contact_id", "at", "entered", "group__code_name", "group__name", "cause"
    )
    return {
        pk: Fact(
            f"entry:{pk}",
            _KIND.ENTERED if entered else _KIND.LEFT,
            contact_id,
            at,
            {"group": code_name, "name": name, "cause": cause},
        )
        for pk, contact_id, at, entered, code_name, name, cause in rows
    }


def _agreements(ids: Collection[int]) -> dict[int, Fact]:
    rows = ConsentAgreement.objects.filter(Among("pk", ids)).values_list(
        *("pk", "contact_id", "at", "consent__code_name", "consent__name", "agreed"),
        *("text__language", "text__version", "channel__code_name", "tracked_site__code_name"),
    )
    return {
        pk: Fact(
            f"agreement:{pk}",
            _KIND.CONSENT,
            contact_id,
            at,
            {
                "consent": code_name,
                "name": name,
                "agreed": agreed,
                "language": language,
                "version": version,
                "channel": channel,
                "tracked_site": site,
            },
        )
        for pk, contact_id, at, code_name, name, agreed, language, version, channel, site in rows
    }


def _changes(ids: Collection[int]) -> dict[int, Fact]:
    rows = ContactChange.objects.filter(Among("pk", ids)).values_list(
        "pk", "contact_id", "at", "source", "before", "after"
    )
    return {
        pk: Fact(
            f"change:{pk}",
            _KIND.CONTACT,
            contact_id,
            at,
            {"source": source, "before": before, "after": after},
        )
        for pk, contact_id, at, source, before, after in rows
    }


_READ = {
    ACTIVITIES: activity_facts,
    ENTRIES: _entries,
    AGREEMENTS: _agreements,
    CHANGES: _changes,
}
