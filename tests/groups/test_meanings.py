"""What conditions mean where one could doubt: the table of the design, line by line.

All lines are asked of one hub, once of all contacts and once of given ones.
"""

import pytest
from django.db import transaction

from consents.models import Consent
from consents.texts import save_text
from contacts.models import Contact
from tests.groups.doubts import NOW, Hub, fill
from tests.groups.evaluating import members_among, members_now


@pytest.fixture(scope="module")
def hub(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        hub = Hub()
        fill(hub)
        yield hub
        transaction.set_rollback(True)


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
