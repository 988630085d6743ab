"""A test run: what would happen to one contact, with the time skipped."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from activities.models import Activity
from automations.models import Email, Passage, Run
from automations.test_run import walk
from consents.agreements import record_agreement
from contacts.models import Contact
from tests.automations.entries import make_automation, on_activity
from tests.automations.mails import make_template
from tests.factories import make_activity, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

AUSTRIANS = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
EVERYBODY = {"match": "all", "conditions": []}
WAIT = {"type": "wait", "for": "1 day"}


def outcomes(automation, contact):
    return [stop.outcome for stop in walk(automation, contact)]


def test_the_contact_comes_to_the_steps_of_their_way_and_nothing_is_written():
    make_template(
        code_name="welcome",
        name="Welcome mail",
        subject="Hello {{ contact.first_name | default: 'you' }}",
    )
    make_group("newsletter")
    automation = make_automation(
        on_activity(),
        steps=[
            {"type": "wait", "for": "2 days"},
            {
                "type": "if",
                "rule": AUSTRIANS,
                "then": [{"type": "email", "template": "welcome"}],
                "else": [{"type": "stop"}],
            },
            {"type": "set_field", "field": "notes", "value": "%EVENT: pagevisit%"},
            {"type": "group", "add": "newsletter"},
            {"type": "wait", "rule": AUSTRIANS, "at_most": "1 day"},
        ],
    )
    contact = make_contact(country="AUT", email="ada@example.com", first_name="Ada")
    make_activity(contact, value="Home")

    stops = walk(automation, contact)

    assert [stop.said for stop in stops] == [
        "“Page visit” is recorded",
        "Wait 2 days",
        "If the contact is from Austria",
        "Send “Welcome mail”",
        "Set notes to “%EVENT: pagevisit%”",
        "Add to “Newsletter”",
        "Wait until the contact is from Austria, at most 1 day",
    ]
    assert [stop.outcome for stop in stops] == [
        "The contact enters.",
        "Skipped.",
        "The rule holds.",
        "It would be sent to ada@example.com.",
        "The value would be “Home”.",
        "",
        "The rule holds already.",
    ]
    assert stops[3].email.subject == "Hello Ada"
    assert stops[3].at - stops[0].at == timedelta(days=2)
    assert stops[0].key == ""
    assert stops[3].key == automation.steps[1]["then"][0]["key"]
    for model in (Run, Passage, Email):
        assert not model.objects.exists()
    assert Activity.objects.count() == 1
    contact.refresh_from_db()
    assert contact.notes == ""


def test_who_comes_to_a_stop_goes_no_further():
    automation = make_automation(
        steps=[
            {"type": "if", "rule": AUSTRIANS, "then": [], "else": [{"type": "stop"}]},
            {"type": "wait", "for": "1 day"},
        ]
    )

    said = [stop.said for stop in walk(automation, make_contact())]

    assert said[-1] == "Stop"


def test_it_is_said_whom_the_trigger_would_not_let_in():
    automation = make_automation(on_activity(rule=AUSTRIANS))

    assert "would not enter" in outcomes(automation, make_contact())[0]


def test_an_email_that_would_be_held_back_says_why():
    make_template(code_name="news", consent=make_consent("Newsletter", name="Newsletter"))
    make_template(code_name="file", subject="%EVENT: never seen%")
    steps = [{"type": "email", "template": name} for name in ("news", "file", "gone")]
    contact = make_contact(email="ada@example.com")

    _, news, file, gone = outcomes(make_automation(steps=steps), contact)

    assert news == "It would be held back: The contact has not agreed to “Newsletter”."
    assert file.startswith("It would be held back: ")
    assert gone == "There is no template “gone”."


def test_who_has_revoked_leaves_at_the_email_as_in_a_run():
    consent = make_consent("Newsletter", name="Newsletter")
    make_template(code_name="news", consent=consent)
    email = {"type": "email", "template": "news"}
    branching = {"type": "if", "rule": EVERYBODY, "then": [email, WAIT], "else": []}
    automation = make_automation(steps=[branching, WAIT])
    contact = make_contact(email="ada@example.com")
    record_agreement(contact, consent, agreed=False)

    *_, last = walk(automation, contact)

    assert last.outcome == (
        "It would be held back: The contact has revoked “Newsletter”. The contact would leave the "
        "automation here."
    )
    assert last.email.subject == "Hello"


def test_an_address_that_no_mail_server_takes_gets_no_email():
    make_template(code_name="file")
    automation = make_automation(steps=[{"type": "email", "template": "file"}, WAIT])
    contact = make_contact()
    Contact.objects.filter(pk=contact.pk).update(email="nodomain")
    contact.refresh_from_db()

    _, email, wait = outcomes(automation, contact)

    assert email == (
        "It would be held back: The address has no domain: it needs an @ with a name behind it."
    )
    assert wait == "Skipped."


def test_a_hub_without_a_sender_sends_nothing_in_a_test_either(settings):
    settings.DEFAULT_FROM_EMAIL = "nobody"
    make_template(code_name="file")
    automation = make_automation(steps=[{"type": "email", "template": "file"}])

    _, email = outcomes(automation, make_contact(email="ada@example.com"))

    assert email.startswith("It would be held back: The email has no sender: ")


def test_waits_for_rules_go_on_as_if_they_came_to_hold():
    since = {"type": "activity", "activities": ["pagevisit"], "since": "entry"}
    automation = make_automation(
        steps=[
            {"type": "wait", "rule": AUSTRIANS},
            {"type": "wait", "rule": {"match": "all", "conditions": [since]}, "at_most": "3 days"},
            {"type": "stop"},
        ]
    )
    contact = make_contact()
    make_activity(contact, occurred_at=timezone.now(), recorded_at=timezone.now())

    stops = walk(automation, contact)

    assert stops[1].outcome == "The rule does not hold yet. The test goes on as if it did."
    assert stops[2].outcome == "The rule does not hold; the longest time is skipped."
    assert stops[3].at - stops[2].at == timedelta(days=3)


def test_a_wait_until_an_hour_ends_at_that_hour(settings):
    settings.TIME_ZONE = "Europe/Vienna"
    automation = make_automation(
        steps=[{"type": "wait", "until": "09:00", "weekdays": ["mon"]}, {"type": "stop"}]
    )

    at = timezone.localtime(walk(automation, make_contact())[-1].at, ZoneInfo("Europe/Vienna"))

    assert at.weekday() == 0
    assert at.hour == 9


def test_a_split_takes_the_first_branch_that_has_steps():
    wait = {"type": "wait", "for": "1 day"}
    split = {"type": "split", "shares": [10, 45, 45], "branches": [[], [wait], [wait]]}

    stops = walk(make_automation(steps=[split]), make_contact())

    assert "this test takes branch 2, the first with steps" in stops[1].outcome
    assert stops[2].said == "Wait 1 day"
