"""What conditions mean where one could doubt: the table of the design, line by line.

All lines are asked of one hub, once of all contacts and once of given ones.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from activities.models import ActivityType
from consents.models import Consent, ConsentAgreement
from consents.texts import save_text
from contacts.models import Contact
from crosssite.models import TrackedSite
from groups.models import ContactGroup, Membership
from tests.automations.mails import add_event, make_email, make_template
from tests.factories import make_activity, make_activity_type, make_channel, make_consent
from tests.groups.evaluating import members_among, members_now

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TEXTS = {
    "loans": "https://x/Loans/Home",
    "empty": "",
    "percent": "100%_\\d",
    "kelvin": "\N{KELVIN SIGN}ILO İ",
    "umlaut": "STRAẞE ÄÖ",
}
NUMBERS = {
    "5": "5",
    "5.0": "5.0",
    "-5": "-5",
    "spaces": " \t5 ",
    "5e3": "5e3",
    "5e-3": "5e-3",
    "5e+03": "5e+03",
    "comma": "5,000",
    "letters": "abc",
    "nothing": "",
    "plus": "+5",
    "point": ".5",
    "end point": "5.",
    "long exponent": "5e300",
    "infinity": "Infinity",
    "nan": "NaN",
    "hexadecimal": "0x5",
    "underscore": "5_000",
    "arabic": "\N{ARABIC-INDIC DIGIT FIVE}",
    "two lines": "5\n6",
    "digits": "9" * 200,
}


class Hub:
    """One hub, whose contacts have names in tests."""

    def __init__(self):
        self.named = {}
        self.channel = make_channel(code_name="app")
        self.other_channel = make_channel(code_name="other-app")
        website = make_channel(code_name="site", kind="website", domain="www.example.com")
        self.shop = TrackedSite.objects.create(
            name="Shop", code_name="shop", url="https://shop.example.com", channel=website
        )
        self.types = {type.code_name: type for type in ActivityType.objects.all()}
        for code_name in ("text", "number", "property", "loan", "brochure", "switched_off"):
            self.types[code_name] = make_activity_type(code_name)
        ActivityType.objects.filter(code_name="switched_off").update(enabled=False)

    def person(self, name, **fields):
        contact = Contact.objects.create(**{"created_at": ago(days=1000), **fields})
        self.named[contact.pk] = name
        return contact

    def did(self, contact, type="pagevisit", **fields):
        fields = {"channel": self.channel, "occurred_at": ago(days=1), "value": "", **fields}
        return make_activity(contact, type=self.types[type], **fields)


def ago(**how_long):
    return NOW - timedelta(**how_long)


@pytest.fixture(scope="module")
def hub(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        hub = Hub()
        fill(hub)
        yield hub
        transaction.set_rollback(True)


def fill(hub):
    for name, text in TEXTS.items():
        contact = hub.person(f"text {name}", notes=text)
        hub.did(contact, "text", url=text, value=text, referrer=text, properties={"p": text})
    for name, text in NUMBERS.items():
        contact = hub.person(f"number {name}", zip=text[:100])
        hub.did(contact, "number", value=text, properties={"n": text})
    fill_with_properties(hub)
    fill_with_people(hub)
    fill_with_histories(hub)
    fill_with_answers(hub)
    fill_with_groups(hub)
    fill_with_emails(hub)


def fill_with_properties(hub):
    for name, properties in {
        "none at all": None,
        "absent": {"q": 1},
        "null": {"p": None},
        "number": {"p": 5000},
        "fraction": {"p": 0.5},
        "true": {"p": True},
        "nested": {"p": {"q": "inside"}},
        "dotted": {"p.q": "inside"},
        "list": ["p"],
        "long": {"p": "9" * 20_000},
        "long fraction": {"p": "0." + "9" * 20_000},
    }.items():
        hub.did(hub.person(f"property {name}"), "property", properties=properties)


def fill_with_people(hub):
    hub.person("from the USA", country="USA", state="CA")
    hub.person("from Austria", country="AUT")
    hub.person("born on 1 March 2000", birthday=date(2000, 3, 1))
    hub.person("born on 2 March 2000", birthday=date(2000, 3, 2))
    hub.person("born on 29 February 2000", birthday=date(2000, 2, 29))
    hub.person("born on 31 December 1999", birthday=date(1999, 12, 31))
    hub.person("created 30 days ago", created_at=ago(days=30))
    hub.person("created just within 30 days", created_at=ago(days=30) + MICROSECOND)


def fill_with_histories(hub):
    hub.did(hub.person("loan 30 days ago"), "loan", occurred_at=ago(days=30))
    hub.did(hub.person("loan within 30 days"), "loan", occurred_at=ago(days=30) + MICROSECOND)
    hub.did(hub.person("loan tomorrow"), "loan", occurred_at=ago(days=-1))
    both = hub.person("loan and brochure")
    hub.did(both, "loan", channel=hub.other_channel)
    hub.did(both, "brochure", tracked_site=hub.shop)
    twice = hub.person("loan twice")
    hub.did(twice, "loan")
    hub.did(twice, "loan", occurred_at=ago(days=29))
    hub.did(hub.person("switched off"), "switched_off")
    hub.did(hub.person("landed"), "landingpage", url="https://x/landing?a=1")
    hub.did(hub.person("entered data"), "datainput", value="Newsletter form")
    gone = hub.person("merged")
    hub.did(gone, "loan")
    Contact.objects.filter(pk=gone.pk).update(merged_into=both)


def fill_with_answers(hub):
    consent = make_consent("TrackingConsent", texts={"en": "<p>Old</p>", "de": "<p>Alt</p>"})
    old, german = (consent.texts.get(language=language) for language in ("en", "de"))
    for name, text in {"old": old, "german": german, "no text": None}.items():
        answer(hub.person(f"agreed to {name}"), consent, text)
    revoked = hub.person("revoked")
    answer(revoked, consent, old)
    answer(revoked, consent, old, agreed=False)
    new = save_text(consent, language="en", short_text="<p>New</p>")
    answer(hub.person("agreed to new"), consent, new)


def answer(contact, consent, text, *, agreed=True):
    ConsentAgreement.objects.create(contact=contact, consent=consent, text=text, agreed=agreed)


def fill_with_groups(hub):
    one, other = (
        ContactGroup.objects.create(name=name, code_name=name, static=True)
        for name in ("one", "other")
    )
    off = ContactGroup.objects.create(name="off", code_name="off", enabled=False)
    unbuilt = ContactGroup.objects.create(name="unbuilt", code_name="unbuilt")
    inside = {"in one": [one], "in both": [one, other], "in off": [off], "in unbuilt": [unbuilt]}
    for name, groups in inside.items():
        contact = hub.person(name)
        for group in groups:
            Membership.objects.create(group=group, contact=contact)


def fill_with_emails(hub):
    brochure, other = (make_template(code_name=name) for name in ("brochure", "other"))
    for name, template, kind, fields in [
        ("got it", brochure, "sent", {}),
        ("got it 30 days ago", brochure, "sent", {"at": ago(days=30)}),
        ("opened it", brochure, "opened", {}),
        ("whose program opened it", brochure, "opened", {"by_robot": True}),
        ("clicked", brochure, "clicked", {}),
        ("bounced", brochure, "bounced", {}),
        ("unsubscribed", brochure, "unsubscribed", {}),
        ("reported it as spam", brochure, "complained", {}),
        ("opened another", other, "opened", {}),
    ]:
        email = make_email(hub.person(name), template=template)
        add_event(email, kind, **{"at": ago(days=1), **fields})


def matching(hub, leaf):
    rule = {"match": "all", "conditions": [leaf]}
    found = members_now(rule, NOW)
    assert found == members_among(rule, Contact.objects.all(), NOW)
    return {hub.named[id] for id in found}


def with_prefix(hub, prefix, leaf):
    """Those of the contacts whose name begins so, without it."""
    names = (name for name in matching(hub, leaf) if name.startswith(f"{prefix} "))
    return {name.removeprefix(f"{prefix} ") for name in names}


def done(type, **members):
    return {"type": "activity", "activities": [type], **members}


def mailed(did, **members):
    return {"type": "email_activity", "template": "BROCHURE", "did": did, **members}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operator", "value", "names"),
    [
        ("contains", "/LOANS", {"loans"}),
        ("contains", "kilo", {"kelvin"}),
        ("contains", "%", {"percent"}),
        ("contains", "%_", {"percent"}),
        ("contains", "_", {"percent"}),
        ("contains", "\\", {"percent"}),
        ("contains", "\\d", {"percent"}),
        ("contains", ".*", set()),
        ("contains", "äö", {"umlaut"}),
        ("contains", "ß", {"umlaut"}),
        ("does_not_contain", "loans", {"empty", "percent", "kelvin", "umlaut"}),
        ("does_not_contain", "ä", {"empty", "percent", "kelvin", "loans"}),
        ("starts_with", "HTTPS://", {"loans"}),
        ("starts_with", "straß", {"umlaut"}),
        ("starts_with", "x", set()),
        ("ends_with", "home", {"loans"}),
        ("ends_with", "Äö", {"umlaut"}),
        ("ends_with", "i", {"kelvin"}),
        ("equals", "https://X/loans/HOME", {"loans"}),
        ("equals", "100%_\\D", {"percent"}),
        ("equals", "", {"empty"}),
        ("equals", "straße äö", {"umlaut"}),
        ("not_equals", "https://x/loans/home", {"empty", "percent", "kelvin", "umlaut"}),
        ("not_equals", "", {"loans", "percent", "kelvin", "umlaut"}),
    ],
)
def test_texts_are_compared_in_any_letter_case_and_are_no_patterns(hub, operator, value, names):
    compared = {"operator": operator, "value": value}

    for leaf in (
        {"type": "field", "field": "notes", **compared},
        done("text", url=compared),
        done("text", value=compared),
        done("text", referrer=compared),
        done("text", properties=[{"name": "p", **compared}]),
    ):
        assert with_prefix(hub, "text", leaf) == names, leaf


FIVES = {"5", "5.0", "spaces"}
NUMERIC = {*FIVES, "-5", "5e3", "5e-3", "5e+03", "digits"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operator", "value", "names"),
    [
        ("=", 5, FIVES),
        ("=", "5.00", FIVES),
        ("=", "5e3", {"5e3", "5e+03"}),
        ("!=", 5, NUMERIC - FIVES),
        (">", 5, {"5e3", "5e+03", "digits"}),
        (">=", 5, {*FIVES, "5e3", "5e+03", "digits"}),
        ("<", 5, {"-5", "5e-3"}),
        ("<", 0.005, {"-5"}),
        ("<=", 0.005, {"-5", "5e-3"}),
        ("<", -5, set()),
        (">", "9" * 199, {"digits"}),
    ],
)
def test_numbers_are_what_the_grammar_says(hub, operator, value, names):
    compared = {"operator": operator, "value": value}

    assert with_prefix(hub, "number", done("number", value=compared)) == names
    in_properties = done("number", properties=[{"name": "n", **compared}])
    assert with_prefix(hub, "number", in_properties) == names
    # A ZIP has at most a hundred characters.
    zips = with_prefix(hub, "number", {"type": "field", "field": "zip", **compared})
    assert zips - {"digits"} == names - {"digits"}


ABSENT = {"none at all", "absent", "null", "list"}
PRESENT = {"number", "fraction", "true", "nested", "long", "long fraction"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "operator", "value", "names"),
    [
        ("p", "does_not_contain", "x", PRESENT),
        ("p", "not_equals", "x", PRESENT),
        ("p", "!=", 1, {"number", "fraction"}),
        ("p", ">=", 5000, {"number"}),
        ("p", "equals", "5000", {"number"}),
        ("p", "equals", "TRUE", {"true"}),
        ("p", "equals", "0.5", {"fraction"}),
        ("p.q", "equals", "Inside", {"nested", "dotted"}),
        ("p.r", "not_equals", "x", set()),
    ],
)
def test_an_absent_property_matches_no_operator(hub, name, operator, value, names):
    compared = {"name": name, "operator": operator, "value": value}

    assert with_prefix(hub, "property", done("property", properties=[compared])) == names


def lines_about_everybody():
    """Leaves, and whom they match among all, or all but whom."""
    consent = {"type": "consent", "consent": "trackingconsent"}
    agreed = {"agreed to old", "agreed to german", "agreed to no text", "agreed to new"}
    born = {
        "born on 1 March 2000",
        "born on 2 March 2000",
        "born on 29 February 2000",
        "born on 31 December 1999",
    }
    loans = {"loan 30 days ago", "loan within 30 days", "loan tomorrow", "loan and brochure"}
    loans |= {"loan twice"}
    lately = loans - {"loan 30 days ago"}
    return [
        ({"type": "country", "values": ["usa"]}, {"from the USA"}),
        ({"type": "country", "values": ["USA", "AUT"]}, {"from the USA", "from Austria"}),
        ({"type": "state", "values": ["CA"]}, {"from the USA"}),
        ({"type": "field_empty", "field": "country", "negate": True},
         {"from the USA", "from Austria"}),
        ({"type": "field_empty", "field": "birthday", "negate": True}, born),
        ({"type": "field", "field": "birthday", "operator": ">=", "value": "2000-03-01"},
         {"born on 1 March 2000", "born on 2 March 2000"}),
        ({"type": "field", "field": "birthday", "operator": "!=", "value": "2000-03-01"},
         born - {"born on 1 March 2000"}),
        # Today is the first of March; the 29th of February was yesterday.
        ({"type": "age", "operator": "=", "value": 26}, born - {"born on 2 March 2000"}),
        ({"type": "age", "operator": "<", "value": 26}, {"born on 2 March 2000"}),
        ({"type": "age", "operator": "<", "value": 26, "negate": True},
         born - {"born on 2 March 2000"}),
        ({"type": "age", "operator": "!=", "value": 26}, {"born on 2 March 2000"}),
        ({"type": "age", "operator": ">", "value": 25}, born - {"born on 2 March 2000"}),
        ({"type": "age", "operator": "<=", "value": 25}, {"born on 2 March 2000"}),
        ({"type": "age", "operator": ">=", "value": 0}, born),
        ({"type": "age_between", "from": 25, "to": 26}, born),
        ({"type": "age_between", "from": 26, "to": 30, "negate": True}, {"born on 2 March 2000"}),
        ({"type": "birthday", "day": "today"}, {"born on 1 March 2000"}),
        ({"type": "birthday", "day": "yesterday"}, {"born on 29 February 2000"}),
        ({"type": "birthday", "day": "tomorrow"}, {"born on 2 March 2000"}),
        ({"type": "birthday", "within_days": 1}, {"born on 1 March 2000", "born on 2 March 2000"}),
        ({"type": "birthday", "within_days": 304},
         {"born on 1 March 2000", "born on 2 March 2000"}),
        ({"type": "birthday", "within_days": 305}, born - {"born on 29 February 2000"}),
        ({"type": "birthday", "within_days": 364}, born),
        ({"type": "birthday", "day": "today", "negate": True}, born - {"born on 1 March 2000"}),
        (consent, agreed),
        ({**consent, "version": "current"}, {"agreed to german", "agreed to new"}),
        ({"type": "group", "groups": ["ONE"]}, {"in one", "in both"}),
        ({"type": "group", "groups": ["one", "other"], "match": "all"}, {"in both"}),
        ({"type": "group", "groups": ["off"]}, set()),
        ({"type": "group", "groups": ["one", "off"], "match": "all"}, set()),
        ({"type": "group", "groups": ["unbuilt"]}, set()),
        (done("LOAN"), loans),
        (done("loan", days=30), lately),
        (done("loan", days=100_000), loans),
        (done("loan", at_least=2), {"loan twice"}),
        (done("loan", at_least=2, days=29), set()),
        ({**done("loan"), "activities": ["loan", "brochure"], "at_least": 2},
         {"loan twice", "loan and brochure"}),
        ({**done("loan"), "activities": ["loan", "brochure"], "match": "all"},
         {"loan and brochure"}),
        ({**done("loan"), "activities": ["loan", "brochure"], "match": "all", "at_least": 2},
         set()),
        ({**done("loan"), "activities": ["loan", "not there"]}, loans),
        ({**done("loan"), "activities": ["loan", "not there"], "match": "all"}, set()),
        (done("not there"), set()),
        (done("switched_off"), {"switched off"}),
        (done("loan", channels=["other-APP"]), {"loan and brochure"}),
        (done("loan", channels=["not-there"]), set()),
        (done("brochure", tracked_sites=["shop"]), {"loan and brochure"}),
        (done("loan", tracked_sites=["shop"]), set()),
        ({"type": "data_input", "label": {"operator": "contains", "value": "FORM"}},
         {"entered data"}),
        ({"type": "data_input", "label": {"operator": "equals", "value": "form"}}, set()),
        ({"type": "landing_page", "url": {"operator": "contains", "value": "/LANDING?"},
          "days": 2}, {"landed"}),
        ({"type": "landing_page", "days": 1}, set()),
        (mailed("sent"), {"got it", "got it 30 days ago"}),
        (mailed("sent", days=30), {"got it"}),
        (mailed("opened"), {"opened it"}),
        (mailed("opened", template="other"), {"opened another"}),
        (mailed("opened", template="not there"), set()),
        (mailed("clicked"), {"clicked"}),
        (mailed("bounced"), {"bounced"}),
        (mailed("unsubscribed", days=2), {"unsubscribed"}),
        (mailed("unsubscribed", days=1), set()),
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("leaf", "names"), [pytest.param(*line, id=str(line[0])) for line in lines_about_everybody()]
)
def test_a_condition_and_its_negation(hub, leaf, names):
    assert matching(hub, leaf) == names
    # The exception: nobody matches without a birthday.
    of_birthday = leaf["type"] in ("age", "age_between", "birthday")
    living = set(hub.named.values()) - {"merged"}
    others = {name for name in living if name.startswith("born ")} if of_birthday else living
    turned = matching(hub, {**leaf, "negate": not leaf.get("negate", False)})
    assert turned == others - names


@pytest.mark.django_db
def test_who_did_nothing_is_inactive_and_was_seen_before(hub):
    inactive = matching(hub, {"type": "inactive", "days": 30})
    before = matching(hub, {"type": "last_seen", "operator": "before_days", "value": 30})
    within = matching(hub, {"type": "last_seen", "operator": "within_days", "value": 30})

    assert inactive == before == set(hub.named.values()) - {"merged"} - within
    assert {"from Austria", "loan 30 days ago"} <= inactive
    assert {"loan within 30 days", "loan tomorrow", "landed"} <= within


@pytest.mark.django_db
def test_created_within_days_to_the_microsecond(hub):
    within = matching(hub, {"type": "created", "operator": "within_days", "value": 30})
    before = matching(hub, {"type": "created", "operator": "before_days", "value": 30})

    assert within == {"created just within 30 days"}
    assert before == set(hub.named.values()) - {"merged"} - within


@pytest.mark.django_db
@pytest.mark.parametrize(("match", "everybody"), [("all", True), ("any", False)])
def test_an_empty_all_is_everybody_and_an_empty_any_nobody(hub, match, everybody):
    rule = {"match": match, "conditions": []}

    living = set(Contact.objects.live().values_list("pk", flat=True))
    assert members_now(rule, NOW) == (living if everybody else set())
    assert members_among(rule, Contact.objects.all(), NOW) == (living if everybody else set())


@pytest.mark.django_db
def test_a_new_text_makes_its_predecessor_no_longer_current(hub):
    leaf = {"type": "consent", "consent": "TrackingConsent", "version": "current"}
    consent = Consent.objects.get(code_name="TrackingConsent")

    save_text(consent, language="de", short_text="<p>Neu</p>")

    assert matching(hub, leaf) == {"agreed to new"}


@pytest.mark.django_db
def test_days_of_birthdays_begin_where_the_hub_is(hub, settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"  # fourteen hours ahead: it is the second of March
    assert matching(hub, {"type": "birthday", "day": "today"}) == {"born on 2 March 2000"}
