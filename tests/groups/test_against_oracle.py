"""Compiled rules agree with a plain reading of them, whatever the tree, the people and the time."""

import os
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.models import Activity, ActivityType
from consents.models import ConsentAgreement
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from groups import compiling
from groups.compiling import (
    Looks,
    by_plan,
    formula_of_tree,
    known_of,
    members,
    of_contacts,
    plans_for,
)
from groups.conditions import Scene
from groups.formulas import NOBODY
from groups.models import ContactGroup, Membership
from groups.rules import parse
from tests.automations.mails import add_event, make_email, make_template
from tests.factories import make_activity_type, make_channel, make_consent
from tests.groups.evaluating import run
from tests.groups.oracle import MICROSECOND, UNBUILT, Doing, Mail, Person, holds, next_flip

# Thousands are run by hand before the compiler changes: GROUPS_EXAMPLES=3000
EXAMPLES = int(os.environ.get("GROUPS_EXAMPLES", "40"))
# Where a day begins at another time than in UTC, and some of them begin an hour late.
ZONE = "Africa/Cairo"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = [1, 2, 30, 365]
TYPES = ["pagevisit", "datainput", "landingpage", "loan"]
CHANNELS, SITES = ["app", "site"], ["shop", "blog"]
CONSENTS = ["tracking", "newsletter"]
GROUPS = ["one", "two", UNBUILT]
TEMPLATES, DID = ["brochure", "welcome"], ["sent", "opened"]
COUNTRIES, STATES = ["USA", "AUT", "DEU"], ["CA", "NY"]

letters = st.sampled_from("aAkK\N{KELVIN SIGN}iIİßẞ%_\\.5")
texts = st.text(letters, max_size=3) | st.sampled_from(["5", "05.0", "5e1", " 5 ", "5,0", "-5"])
wanted = st.text(letters, min_size=1, max_size=2)
numbers = st.sampled_from([5, -5, 50, 0.5, "5.0"])
text_comparisons = st.fixed_dictionaries(
    {
        "operator": st.sampled_from(
            ["contains", "does_not_contain", "starts_with", "ends_with", "equals", "not_equals"]
        ),
        "value": wanted,
    }
)
signs = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])
comparisons = text_comparisons | st.fixed_dictionaries({"operator": signs, "value": numbers})
properties = st.dictionaries(
    st.sampled_from("pq"), texts | st.sampled_from([None, True, 5, 50, 0.5]), max_size=2
)
edges = st.sampled_from([-MICROSECOND, timedelta(0), MICROSECOND, timedelta(hours=7)])
# At the edge of a window, a microsecond to either side of it, and later than now.
instants = st.builds(
    lambda days, edge: NOW - timedelta(days=days) + edge, st.sampled_from([*DAYS, -1, 0]), edges
)
birthdays = st.none() | st.builds(
    lambda year, day: date(year, 1, 1) + timedelta(days=day),
    st.sampled_from([1996, 2000, 2008]),
    st.sampled_from([0, 57, 58, 59, 60, 61, 88, 89, 365]),
)
doings = st.builds(
    Doing,
    type=st.sampled_from(TYPES),
    at=instants,
    value=texts,
    url=texts,
    referrer=texts,
    properties=st.none() | properties,
    channel=st.sampled_from(CHANNELS),
    tracked_site=st.sampled_from(["", *SITES]),
)
mails = st.builds(
    Mail,
    template=st.sampled_from(TEMPLATES),
    did=st.sampled_from(DID),
    at=instants,
    by_robot=st.booleans(),
)
people = st.lists(
    st.builds(
        Person,
        fields=st.fixed_dictionaries(
            {
                "city": texts,
                "zip": texts,
                "country": st.sampled_from(["", *COUNTRIES]),
            }
        ),
        created_at=instants,
        birthday=birthdays,
        doings=st.lists(doings, max_size=5),
        agreed=st.dictionaries(st.sampled_from(CONSENTS), st.booleans()),
        groups=st.sets(st.sampled_from(GROUPS)),
        mails=st.lists(mails, max_size=3),
    ),
    min_size=4,
    max_size=8,
)


def some(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


def leaf(type, required=None, **optional):
    return st.fixed_dictionaries(
        {"type": st.just(type), **(required or {})},
        optional={"negate": st.booleans(), **optional},
    )


days = st.sampled_from(DAYS)
both = st.sampled_from(["any", "all"])
ages = st.sampled_from([17, 18, 25, 26, 29, 30])
leaves = st.one_of(
    leaf("field", {"field": st.just("city"), "operator": st.just("contains"), "value": wanted}),
    st.builds(lambda one, compared: {**one, **compared},
              leaf("field", {"field": st.sampled_from(["zip"])}), comparisons),
    leaf("field", {"field": st.just("birthday"), "operator": signs,
                   "value": st.sampled_from(["2000-02-29", "1996-03-01"])}),
    leaf("field_empty", {"field": st.sampled_from(["city", "birthday"])}),
    leaf("age", {"operator": signs, "value": ages}),
    leaf("age_between", {"from": st.just(18), "to": st.sampled_from([18, 25, 26])}),
    leaf("birthday", {"day": st.sampled_from(["yesterday", "today", "tomorrow"])}),
    leaf("birthday", {"within_days": st.sampled_from([1, 30, 305, 365, 366])}),
    leaf("country", {"values": some(COUNTRIES)}),
    leaf("consent", {"consent": st.sampled_from(CONSENTS)},
         version=st.sampled_from(["any", "current"])),
    leaf("group", {"groups": some(GROUPS)}, match=both),
    leaf("activity", {"activities": some([*TYPES, "not there"])}, match=both, days=days,
         at_least=st.sampled_from([1, 2, 3]), value=comparisons),
    leaf("activity", {"activities": some(TYPES)}, match=both, days=days,
         at_least=st.sampled_from([1, 2])),
    leaf("activity", {"activities": some(TYPES)}, url=text_comparisons, referrer=text_comparisons,
         channels=some(CHANNELS), tracked_sites=some(SITES),
         properties=st.lists(st.builds(lambda name, compared: {"name": name, **compared},
                                       st.sampled_from("pq"), comparisons),
                             min_size=1, max_size=2)),
    leaf("data_input", {"label": text_comparisons}, days=days),
    leaf("landing_page", {"url": text_comparisons}, days=days),
    leaf("inactive", {"days": days}),
    leaf("created", {"operator": st.sampled_from(["within_days", "before_days"]), "value": days}),
    leaf("last_seen", {"operator": st.sampled_from(["within_days", "before_days"]),
                       "value": days}),
    leaf("email_activity", {"template": st.sampled_from([*TEMPLATES, "not there"]),
                            "did": st.sampled_from(DID)}, days=days),
)  # fmt: skip


def trees(inner):
    return st.fixed_dictionaries(
        {"match": both, "conditions": st.lists(inner, min_size=0, max_size=3)}
    )


rules = trees(st.recursive(leaves, trees, max_leaves=6))


class Hub:
    """What rules name, and people written as rows."""

    def __init__(self):
        make_activity_type("loan")
        self.types = dict(ActivityType.objects.values_list("code_name", "id"))
        self.channels = {
            "app": make_channel(code_name="app"),
            "site": make_channel(code_name="site", kind="website", domain="www.example.com"),
        }
        self.sites = {
            name: TrackedSite.objects.create(
                name=name, code_name=name, url=f"https://{name}.example.com",
                channel=self.channels["site"],
            )
            for name in SITES
        }  # fmt: skip
        self.texts = {}
        for name in CONSENTS:
            consent = make_consent(name)
            old = consent.texts.get()
            self.texts[name] = {False: old, True: save_text(consent, language="en", short_text="B")}
        self.groups = {
            name: ContactGroup.objects.create(
                name=name, code_name=name, built_version=int(name != UNBUILT)
            )
            for name in GROUPS
        }
        self.templates = {name: make_template(code_name=name) for name in TEMPLATES}

    def write(self, people):
        """The ids of `people`, in order; the last was merged into the first."""
        contacts = Contact.objects.bulk_create(
            Contact(created_at=one.created_at, birthday=one.birthday, **one.fields)
            for one in people
        )
        Activity.objects.bulk_create(
            Activity(
                contact=contact,
                type_id=self.types[doing.type],
                channel=self.channels[doing.channel],
                tracked_site=self.sites.get(doing.tracked_site),
                occurred_at=doing.at,
                recorded_at=NOW,
                logged_as=contact.guid,
                request_id=uuid.uuid4(),
                **{name: getattr(doing, name) for name in ("value", "url", "referrer",
                                                           "properties")},
            )
            for contact, one in zip(contacts, people, strict=True)
            for doing in one.doings
        )  # fmt: skip
        ConsentAgreement.objects.bulk_create(
            ConsentAgreement(
                contact=contact, consent=text.consent, text=text, agreed=True
            )
            for contact, one in zip(contacts, people, strict=True)
            for text in (self.texts[name][current] for name, current in one.agreed.items())
        )  # fmt: skip
        Membership.objects.bulk_create(
            Membership(contact=contact, group=self.groups[name])
            for contact, one in zip(contacts, people, strict=True)
            for name in one.groups
        )
        for contact, one in zip(contacts, people, strict=True):
            for mail in one.mails:
                email = make_email(contact, template=self.templates[mail.template])
                add_event(email, mail.did, at=mail.at, by_robot=mail.by_robot)
        Contact.objects.filter(pk=contacts[-1].pk).update(merged_into=contacts[0])
        return [contact.pk for contact in contacts]


def check(rule, people, ids, now):
    """One rule at one time, by both statements; when they say that it may turn, and all rows."""
    tree, dues = parse(rule), set()
    found = run(of_contacts(tree, ids, now=now))
    with patch.multiple(compiling, _MANY=1, _cost_of_a_look=lambda atom: 1e9):
        assert run(of_contacts(tree, ids, now=now)) == found, "read for all at once"
    assert set(found) == set(ids[:-1]), "one row for each that is live"
    for id, person in zip(ids[:-1], people[:-1], strict=True):
        held, due = found[id]
        assert held == holds(rule, person, now, ZONE), person
        flip = next_flip(rule, person, now, ZONE)
        if flip is not None:
            assert due is not None, (person, flip)
            assert now < due <= flip, person
        if due is not None:
            assert due > now
            dues.add(due)
    expected = {id: row for id, row in found.items() if row[0] or row[1]}
    assert run(members(tree, now=now)) == expected
    return dues, expected


def check_all_plans(rule, expected):
    """That it makes no difference with whom the statement begins, and how it looks at the rest."""
    tree = parse(rule)
    formula = formula_of_tree(tree, Scene(NOW, known_of(tree)))
    if formula == NOBODY:
        return
    for plan in plans_for(formula):
        looks = [*plan.looks.joined, *plan.looks.one_by_one]
        for how in (Looks(looks, []), Looks([], looks)):
            assert run(by_plan(formula, replace(plan, looks=how))) == expected


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(people=people, rules=st.lists(rules, min_size=4, max_size=8))
def test_compiled_rules_agree_with_the_plain_reading(hub, people, rules):
    with transaction.atomic():
        ids = hub.write(people)
        for rule in rules:
            dues, expected = check(rule, people, ids, NOW)
            check_all_plans(rule, expected)
            for due in sorted(dues)[:2]:
                check(rule, people, ids, due - MICROSECOND)
                check(rule, people, ids, due)
        transaction.set_rollback(True)


@pytest.fixture
def hub(db, settings):
    settings.TIME_ZONE = ZONE
    return Hub()
