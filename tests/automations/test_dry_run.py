"""What an automation would have done within the last 30 days."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import ActivityType
from automations.dry_run import dry_run
from automations.emails.saving import save_template
from automations.models import Automation, Email, Run, Template
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from groups.membership import add_members
from groups.models import MembershipEvent
from tests.automations.entries import make_automation, on_activity
from tests.factories import make_activity, make_channel, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

EMAIL = {"type": "email", "template": "welcome"}
AUSTRIANS = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}


@pytest.fixture
def channel():
    return make_channel()


def make_template(**fields):
    blocks = [{"type": "text", "html": "<p>Hello</p>"}, {"type": "footer"}]
    template = Template(
        code_name="welcome", **{"name": "Welcome", "subject": "Hello", "blocks": blocks, **fields}
    )
    save_template(template)
    return template


def visit(contact, channel, *, days=0, hours=0):
    at = timezone.now() - timedelta(days=days, hours=hours, minutes=1)
    return make_activity(contact, channel=channel, occurred_at=at, recorded_at=at)


def keys_of(automation):
    return [step["key"] for step in automation.steps]


def test_entries_of_the_last_30_days_are_counted(channel):
    automation = make_automation(on_activity(), enabled=False)
    ada, ben = make_contact(), make_contact()
    for contact, days in ((ada, 1), (ada, 20), (ben, 29), (ben, 31)):
        visit(contact, channel, days=days)

    result = dry_run(automation)

    assert (result.days, result.entered, result.people, result.refused) == (30, 3, 2, 0)
    assert dry_run(automation, 2).entered == 1
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("how_often", "entered"), [("once", 1), ("many", 21), ("if_not_running", 2)]
)
def test_a_contact_enters_as_often_as_it_may(channel, how_often, entered):
    """The automation waits two days."""
    automation = make_automation(on_activity(), runs=how_often, enabled=False)
    contact = make_contact()
    for number in range(15):
        visit(contact, channel, days=10, hours=number / 10)
    for days in (9, *[5] * 10):
        visit(contact, channel, days=days)

    result = dry_run(automation)

    assert result.entered == entered
    assert result.refused == 26 - entered


def test_the_rule_of_the_trigger_is_asked_as_it_is_now(channel):
    automation = make_automation(on_activity(rule=AUSTRIANS), enabled=False)
    for country in ("AUT", "DEU"):
        visit(make_contact(country=country), channel)

    assert dry_run(automation).people == 1


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("{{ contact.first_name }}", 2),
        ("%EVENT: x% {{ contact.city }}", 3),
        ("{{ contact.birthday }}", 3),
        ('<a href="https://a.example/{{ contact.first_name }}">x</a>', 2),
        ('{{ contact.first_name | default: "there" }}', 0),
        ("{% if contact.first_name %}{{ contact.first_name }}{% endif %}", 0),
    ],
    ids=["field", "two", "date", "link", "default", "condition"],
)
def test_emails_that_a_field_is_missing_for_are_not_counted_as_emails(channel, text, held):
    make_template(blocks=[{"type": "text", "html": f"<p>{text}</p>"}])
    automation = make_automation(on_activity(), steps=[EMAIL], enabled=False)
    named, nameless = (
        make_contact(first_name="Ada", email="ada@example.com"),
        make_contact(email="b@example.com"),
    )
    for contact in (named, nameless, nameless, make_contact()):
        visit(contact, channel)

    result = dry_run(automation)

    assert (result.emails, result.without_value, result.without_consent) == (3 - held, held, 1)


def test_emails_and_those_without_consent_are_counted(channel):
    consent = make_consent("Newsletter")
    make_template(consent=consent)
    automation = make_automation(on_activity(), steps=[EMAIL], enabled=False)
    agreed, refused, silent = (make_contact(email=f"c{n}@example.com") for n in range(3))
    record_agreement(agreed, consent, agreed=True)
    record_agreement(refused, consent, agreed=False)
    for contact in (agreed, agreed, refused, silent):
        visit(contact, channel)

    result = dry_run(automation)

    assert (result.entered, result.emails, result.without_consent) == (4, 2, 2)
    assert not Email.objects.exists()


def test_steps_are_counted_on_the_way_that_contacts_would_take(channel):
    make_template()
    automation = make_automation(
        on_activity(),
        steps=[
            {"type": "wait", "rule": AUSTRIANS, "at_most": "1 day"},
            {"type": "if", "rule": AUSTRIANS, "then": [EMAIL, {"type": "stop"}], "else": []},
            {"type": "wait", "for": "1 day"},
            {"type": "stop"},
            {"type": "wait", "for": "1 day"},
        ],
        enabled=False,
    )
    for country in ("AUT", "AUT", "DEU"):
        visit(make_contact(country=country), channel)
    (_, branching, *_), keys = automation.steps, keys_of(automation)
    email, stop = (step["key"] for step in branching["then"])

    result = dry_run(automation)

    assert [result.by_step[key] for key in keys] == [3, 3, 1, 1, 0]
    assert (result.by_step[email], result.by_step[stop]) == (2, 2)
    assert (result.emails, result.without_consent) == (0, 2)


def test_a_rule_of_a_step_may_count_since_the_entry(channel):
    rule = {
        "match": "all",
        "conditions": [{"type": "activity", "activities": ["click"], "since": "entry"}],
    }
    steps = [{"type": "if", "rule": rule, "then": [{"type": "stop"}], "else": []}]
    automation = make_automation(on_activity(), steps=steps, enabled=False)
    click = ActivityType.objects.get(code_name="click")
    bought, left = make_contact(), make_contact()
    for contact in (bought, left):
        visit(contact, channel, days=2)
    make_activity(bought, channel=channel, type=click)

    result = dry_run(automation)

    assert result.by_step[automation.steps[0]["then"][0]["key"]] == 1


def test_a_split_shares_contacts_out(channel):
    steps = [{"type": "split", "shares": [50, 50], "branches": [[{"type": "stop"}], []]}]
    automation = make_automation(on_activity(), steps=steps, enabled=False)
    for _ in range(30):
        visit(make_contact(), channel)

    stopped = dry_run(automation).by_step[automation.steps[0]["branches"][0][0]["key"]]

    assert 0 < stopped < 30


@pytest.mark.parametrize("on", ["agree", "revoke"])
def test_answers_to_a_consent_are_found(on):
    consent, contact = make_consent(), make_contact()
    record_agreement(contact, consent, agreed=on == "agree")
    assert ConsentAgreement.objects.count() == 1

    automation = make_automation({"type": "consent", "consent": consent.code_name, "on": on})

    assert dry_run(automation).people == 1


def test_entries_of_groups_and_birthdays_are_found():
    today = timezone.localdate()
    group, contact = make_group(), make_contact(birthday=today.replace(year=1992))
    add_members(group, [contact.pk], cause=MembershipEvent.Cause.USER)
    make_contact(birthday=(today + timedelta(days=1)).replace(year=1992))

    for trigger in (
        {"type": "group", "group": group.code_name},
        {"type": "date", "field": "birthday"},
    ):
        assert dry_run(make_automation(trigger)).people == 1


def test_what_is_started_by_hand_and_names_that_lead_nowhere_find_nobody():
    for trigger in ({"type": "manual"}, {"type": "group", "group": "gone"}, on_activity("gone")):
        assert dry_run(make_automation(trigger)).entered == 0


def test_an_automation_that_is_not_saved_yet_can_be_tried(channel):
    visit(make_contact(), channel)

    assert dry_run(Automation(trigger=on_activity(), steps=[EMAIL])).entered == 1


def test_it_costs_few_queries_however_many_contacts_there_are(channel, django_assert_num_queries):
    consent = make_consent("Newsletter")
    make_template(consent=consent)
    automation = make_automation(on_activity(rule=AUSTRIANS), steps=[EMAIL])
    for _ in range(3):
        visit(make_contact(country="AUT"), channel)
    dry_run(automation)

    def queries():
        with django_assert_num_queries(12):
            dry_run(automation)

    queries()
    for _ in range(20):
        visit(make_contact(country="AUT"), channel)
    queries()
