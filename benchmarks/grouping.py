"""What is measured of contact groups inside of Django, as `staging` is: in a `manage.py shell`.

The group is the one that marketers of a bank begin with: who looked at loans lately, calculated
one of some size twice, agreed to be followed, and lives where the bank may lend.
"""

import json
import re
import sys
import time
from datetime import timedelta
from itertools import batched
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from activities.drafts import Draft
from activities.logs import ACTIVITIES
from activities.recording import Source, record_for_contacts_soon
from benchmarks.hub import BenchmarkFailed
from channels.models import Channel
from config.demo import data
from config.demo.sample import make_sample
from consents.agreements import record_agreements
from consents.models import Consent
from contacts.models import Contact
from database.loop import finish
from groups.building import build_now
from groups.compiling import members
from groups.explaining import explain
from groups.following import GROUPS
from groups.membership import members_of
from groups.models import ContactGroup, KnownCondition
from groups.rules import parse
from groups.saving import delete_group, save_group
from readers.positions import place_of, places_of, some_wait
from readers.reading import declared_readers, join, read_next

_ACTIVITIES_OF_A_CONTACT = 10
_EXPLAINED = 50
_IN_A_COMMIT = 1_000
_SECONDS_TO_READ = 900
# What numbers are trimmed of; line breaks are among it.
_SPACES = re.compile(r"'\s+'")
_NOBODY = {"match": "any", "conditions": []}
_EVERYBODY = {"match": "all", "conditions": []}
_LOANS = Draft(type="pagevisit", value="Loans", url="https://bank.example.com/loans/")
_CARD = "A card that only the benchmark orders"
_CARD_RULE = {
    "match": "all",
    "conditions": [
        {
            "type": "activity",
            "activities": [data.CARD],
            "value": {"operator": "equals", "value": _CARD},
            "days": 1,
        }
    ],
}
_CALCULATED = Draft(type=data.LOAN_CALCULATOR, value="9000")


class Figures(NamedTuple):
    """Milliseconds: of a full build, of the looks at touched contacts, and of an explanation.

    `plan` is how PostgreSQL reads the history of all contacts for the build.
    """

    build: float
    increments: float
    explanation: float
    members: int
    plan: str


class Counts(NamedTuple):
    """Milliseconds until the builder of a rule has a count, as the hub answers it.

    `first` is of a condition that nobody has counted yet, `known` of one that somebody has.
    """

    first: float
    known: float


def measure_sample(contacts: int, rounds: int, touched: int, groups: int, joining: int) -> None:
    """Make so many contacts with ten activities each, and print, as JSON, what was measured.

    `joining` contacts more lack the last activity alone: their GUIDs are printed as well. At the
    end it deletes all groups but the one that the benchmark goes on with.
    """
    make_sample(contacts, contacts * _ACTIVITIES_OF_A_CONTACT, lambda what, count: None)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    figures = [measure(touched, groups)._asdict() for _ in range(rounds)]
    for number in range(1, groups):
        delete_group(_ensure_group(number))
    json.dump({"figures": figures, "joining": _stage_joining(joining)}, sys.stdout)


def measure(touched: int, groups: int) -> Figures:
    """Measure the group, and so many groups like it with as many touched contacts, once."""
    # What was recorded before is not what is measured.
    _catch_up()
    group, *_ = [_ensure_group(number) for number in range(groups)]
    return Figures(
        build=_time_build(group),
        increments=_time_increments(touched),
        explanation=_time_explanation(group),
        members=members_of(group).count(),
        plan=_plan(group),
    )


def measure_counts(client: Client, rounds: int) -> Counts:
    """Count the first condition of the group as the builder does, so many times; the fastest."""
    one = {"match": "all", "conditions": _rule(0)["conditions"][:1]}
    first, known = [], []
    for _ in range(rounds):
        KnownCondition.objects.all().delete()
        # The page of the builder has counted everybody when it was opened.
        _time_count(client, _EVERYBODY)
        first.append(_time_count(client, one))
        known.append(_time_count(client, one))
    return Counts(min(first), min(known))


def stage_wave(contacts: int, seconds: float, spare: float) -> None:
    """Make so many sample contacts members whose windows all end at one moment, in `seconds`.

    If `spare` of these are not left when they are members, they get twice as many. Print, as JSON,
    the group and that moment.
    """
    live = Contact.objects.live().order_by("-pk")
    guids = list(live.values_list("guid", flat=True)[:contacts])
    group = _save("benchmark-wave", _NOBODY)
    while True:
        ends_at = timezone.now() + timedelta(seconds=seconds)
        card = Draft(type=data.CARD, value=_CARD, occurred_at=ends_at - timedelta(days=1))
        for some in batched(guids, _IN_A_COMMIT):
            _record({guid: [card] for guid in some})
        group = _save(group.code_name, _CARD_RULE)
        build_now(group)
        wait_until_all_is_read()
        if timezone.now() + timedelta(seconds=spare) < ends_at:
            break
        seconds *= 2
        build_now(_save(group.code_name, _NOBODY))
    if (count := members_of(group).count()) != contacts:
        raise BenchmarkFailed(f"{count:,} contacts are members, and not {contacts:,}.")
    json.dump({"group": group.pk, "ends_at": ends_at.isoformat()}, sys.stdout)


def wait_until_all_is_read() -> None:
    """Return when the workers of the hub have read what was recorded to fill it.

    As long as one reader is behind, the others wait for their turn longer than they usually do.
    """
    gives_up_at = time.monotonic() + _SECONDS_TO_READ
    readers = declared_readers().values()
    while any(some_wait(places_of(one.name, one.logs).values()) for one in readers):
        if time.monotonic() > gives_up_at:
            raise BenchmarkFailed("The readers did not come to the end of what was recorded.")
        time.sleep(0.2)


def _rule(number: int) -> dict[str, Any]:
    """The rule of the group that is measured, and of those like it, each with other numbers."""
    return {
        "match": "all",
        "conditions": [
            {
                "type": "activity",
                "activities": ["pagevisit"],
                "url": {"operator": "contains", "value": "/loans"},
                "days": 30 + number,
            },
            {
                "type": "activity",
                "activities": [data.LOAN_CALCULATOR],
                "value": {"operator": ">=", "value": str(5000 + 100 * number)},
                "at_least": 2,
            },
            {"type": "consent", "consent": data.TRACKING},
            {"type": "country", "values": ["USA"], "negate": True},
        ],
    }


def _ensure_group(number: int) -> ContactGroup:
    code_name = f"benchmark-{number}"
    group = ContactGroup.objects.filter(code_name=code_name).first()
    if group is None:
        group = _save(code_name, _rule(number))
        build_now(group)
    return group


def _save(code_name: str, rule: dict[str, Any]) -> ContactGroup:
    group = ContactGroup.objects.filter(code_name=code_name).first()
    group = group or ContactGroup(name=code_name, code_name=code_name)
    group.rule = rule
    save_group(group)
    return group


def _time_count(client: Client, rule: dict[str, Any]) -> float:
    url = reverse("admin:groups_contactgroup_preview")
    started_at = time.perf_counter()
    answer = client.post(url, {"rule": rule}, content_type="application/json")
    seconds = time.perf_counter() - started_at
    if answer.status_code != 200:
        raise BenchmarkFailed(f"{url} was answered with {answer.status_code}.")
    return seconds * 1000


def _time_build(group: ContactGroup) -> float:
    """Build it so that all members enter, as when a marketer has just saved the rule."""
    build_now(_save(group.code_name, _NOBODY))
    group = _save(group.code_name, _rule(0))
    started_at = time.perf_counter()
    build_now(group)
    return (time.perf_counter() - started_at) * 1000


def _time_increments(touched: int) -> float:
    """Let so many contacts do what all groups care for, and the reader look at them again."""
    contacts = Contact.objects.live().order_by("?")[:touched]
    _record({guid: [_CALCULATED] for guid in contacts.values_list("guid", flat=True)})
    started_at = time.perf_counter()
    _catch_up()
    return (time.perf_counter() - started_at) * 1000


def _time_explanation(group: ContactGroup) -> float:
    """The median for some members, and as many who are none."""
    live = Contact.objects.live()
    durations = []
    for contacts in (members_of(group), live.exclude(memberships__group=group)):
        for contact in contacts[:_EXPLAINED]:
            started_at = time.perf_counter()
            explain(group, contact)
            durations.append(time.perf_counter() - started_at)
    return median(durations) * 1000


def _plan(group: ContactGroup) -> str:
    statement = members(parse(group.rule), now=timezone.now())
    explain_it = f"EXPLAIN (ANALYZE, BUFFERS OFF) {statement.sql}"
    with connection.cursor() as cursor:
        cursor.execute(explain_it, statement.params)
        return _SPACES.sub("' '", "\n".join(line for (line,) in cursor.fetchall()))


def _catch_up() -> None:
    join(GROUPS)
    while read_next(GROUPS):
        pass
    if place_of(GROUPS.name, ACTIVITIES).count(1):
        raise BenchmarkFailed("The reader of contact groups stopped before it had read everything.")


@transaction.atomic
def _stage_joining(count: int) -> list[str]:
    contacts = Contact.objects.bulk_create(Contact() for _ in range(count))
    record_agreements(contacts, {Consent.objects.get(code_name=data.TRACKING): True})
    _record({contact.guid: [_LOANS, _CALCULATED] for contact in contacts})
    return [str(contact.guid) for contact in contacts]


def _record(drafts: dict[UUID, list[Draft]]) -> None:
    channel = Channel.objects.get(code_name=data.APP)
    source = Source(door="benchmark", channel=channel, request_id=uuid4())
    finish(record_for_contacts_soon(drafts, source=source))
