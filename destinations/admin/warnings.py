"""What a user should know of a destination before relying on it, in sentences."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from activities.models import Activity, ActivityType
from consents.models import Consent
from database.letter_case import fold
from destinations.kinds import kind_of, kinds
from destinations.models import Destination
from groups.models import ContactGroup
from groups.problems import problems_of
from groups.rules import InvalidRule, parse


def warnings_of(destination: Destination) -> list[str]:
    """What may be a mistake, or is more than it seems; a constant number of queries."""
    return [
        *_of_the_kind(destination),
        *_of_people(destination),
        *_of_what_goes_out(destination),
        *_of_the_rule(destination),
    ]


def left_by_deleting(destination: Destination) -> list[str]:
    """What a user should know before deleting a destination: deleting it undoes nothing there."""
    sentences = [
        "Nothing goes out to it from then on. Its deliveries leave the log after that: millions of "
        "them take some minutes.",
        "What it was told stays with it, and requests to delete contacts there go out no more.",
    ]
    if destination.type != Destination.Type.FILE:
        return sentences
    folder = destination.options.get("folder", "")
    return [
        *sentences,
        f"Its files in the folder “{folder}” stay, and contacts who are erased later are not taken "
        "out of them any more: delete them yourself when nobody needs them.",
    ]


def _of_the_kind(destination: Destination) -> list[str]:
    kind = kinds().get(destination.type)
    if kind is None:
        return ["The hub does not know this kind of destination any more: nothing goes out."]
    lack = kind_of(destination).lacks(destination)
    plain = destination.url.lower().startswith("http:")
    return [
        *([lack] if lack else []),
        *(
            ["The address begins with http: what goes out can be read and changed on its way."]
            if plain
            else []
        ),
    ]


def _of_people(destination: Destination) -> list[str]:
    consent = destination.consent
    if consent is not None:
        if fold(consent.code_name) not in map(fold, destination.consents):
            return []
        return [
            f"It asks for “{consent.name}” and is told of the answers to it, but is not told when "
            "a contact revokes it: from then on nothing about that contact goes out."
        ]
    return [
        "No consent is chosen, so nobody is asked: what is recorded about contacts goes out "
        "whatever they have agreed to."
    ]


def _of_what_goes_out(destination: Destination) -> list[str]:
    return [
        *_of_activity_types(destination.activities),
        *_missing(ContactGroup.objects.all(), destination.groups, "group"),
        *_missing(Consent.objects.all(), destination.consents, "consent"),
    ]


def _of_activity_types(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    types: Any = ActivityType.objects.filter(code_name__fold__in=[fold(name) for name in names])
    seen = Exists(Activity.objects.filter(type=OuterRef("pk")))
    rows = types.annotate(is_seen=seen).values_list("code_name", "enabled", "is_seen")
    found = {fold(code_name): (enabled, is_seen) for code_name, enabled, is_seen in rows}
    return [text for name in names if (text := _of_type(name, found.get(fold(name))))]


def _of_type(name: str, found: tuple[bool, bool] | None) -> str:
    if found is None:
        return f"No event has brought the activity type “{name}” yet. It goes out once one does."
    enabled, is_seen = found
    if not enabled:
        return f"The activity type “{name}” is switched off: none is recorded."
    return "" if is_seen else f"No activity of the type “{name}” was recorded yet."


def _missing(rows: QuerySet, names: Iterable[str], noun: str) -> list[str]:
    names = list(names)
    if not names:
        return []
    found = {fold(name) for name in rows.values_list("code_name", flat=True)}
    return [f"There is no {noun} “{name}”." for name in names if fold(name) not in found]


def _of_the_rule(destination: Destination) -> list[str]:
    if destination.rule is None:
        return []
    try:
        return [problem.text for problem in problems_of(parse(destination.rule))]
    except InvalidRule as error:
        return [f"The rule cannot be read, so nothing goes out: {error}"]
