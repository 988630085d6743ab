"""Why a contact is in a group or not: what the function and the command say."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consents.models import ConsentAgreement
from consents.texts import save_text
from contacts.changes import Changes, Origin, create_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactChange, ContactMerge
from groups.explaining import CannotExplain, explain
from groups.models import ContactGroup, Membership, MembershipEvent
from groups.past import contact_then, switched_at
from groups.saving import save_group
from tests.factories import make_activity, make_activity_type, make_channel, make_consent

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(**how_long):
    return NOW - timedelta(**how_long)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def make_group(*leaves, **fields):
    return ContactGroup.objects.create(
        **{
            "name": "Loans",
            "code_name": "loans",
            "rule": {"match": "all", "conditions": list(leaves)},
            "rule_changed_at": ago(days=90),
            "built_version": 1,
            **fields,
        }
    )


def make_person(**fields):
    return Contact.objects.create(**{"created_at": ago(days=100), **fields})


def leaves_of(explanation):
    return explanation["rule"]["conditions"]


def test_each_condition_says_whether_it_holds_and_what_is_behind_it():
    loan = make_activity_type("loan")
    consent, contact = make_consent(), make_person(country="USA")
    channel = make_channel()
    newest, *_ = [
        make_activity(
            contact, type=loan, channel=channel, title=f"Loan {days}", occurred_at=ago(days=days)
        )
        for days in (1, 5, 20, 40)
    ]
    agreement = ConsentAgreement.objects.create(
        contact=contact, consent=consent, agreed=True, at=ago(days=3)
    )
    group = make_group(
        {"type": "activity", "activities": ["loan"], "days": 30, "at_least": 2},
        {"type": "activity", "activities": ["never"], "negate": True},
        {"type": "consent", "consent": "TrackingConsent"},
        {"type": "country", "values": ["USA"], "negate": True},
    )

    explanation = explain(group, contact)
    did, never, agreed, country = leaves_of(explanation)

    assert explanation["member"] is False
    assert explanation["until"] is None, "no time brings a contact out of a country"
    assert did["holds"] is True
    # One activity of two leaves the window, and one is not enough.
    assert did["until"] == (NOW + timedelta(days=25)).isoformat()
    assert did["because"] == {
        "kind": "activity",
        "id": newest.pk,
        "time": ago(days=1).isoformat(),
        "text": "Loan 1",
        "count": 2,
    }
    assert never["holds"] is True
    assert never["because"] is None
    assert "No activity of type “never”" in never["problem"]
    assert agreed["holds"] is True
    assert agreed["because"]["kind"] == "agreement"
    assert agreed["because"]["id"] == agreement.pk
    assert agreed["because"]["text"] == "Agreed to “Tracking consent”"
    assert country["holds"] is False
    assert country["negate"] is True


@pytest.mark.parametrize("version", ["any", "current"])
def test_an_agreement_to_an_earlier_text_is_told_as_such(version):
    consent, contact = make_consent(), make_person()
    text = consent.texts.get()
    ConsentAgreement.objects.create(
        contact=contact, consent=consent, agreed=True, text=text, at=ago(days=3)
    )
    type(text).objects.update(superseded_at=ago(days=2))
    group = make_group({"type": "consent", "consent": "TrackingConsent", "version": version})

    (now,) = leaves_of(explain(group, contact))
    (then,) = leaves_of(explain(group, contact, at=ago(days=2, hours=1)))

    assert now["holds"] is (version == "any")
    assert now["because"]["text"] == "Agreed to an earlier text of “Tracking consent”"
    assert then["holds"] is True
    assert then["because"]["text"] == "Agreed to “Tracking consent”"


def test_members_are_told_since_when_and_until_when():
    contact = make_person(created_at=ago(days=10))
    group = make_group({"type": "created", "operator": "within_days", "value": 30})
    Membership.objects.create(group=group, contact=contact)
    MembershipEvent.objects.create(
        group=group, contact=contact, entered=True, at=ago(days=9), cause="created"
    )

    explanation = explain(group, contact)

    assert explanation["member"] is True
    assert explanation["since"] == ago(days=9).isoformat()
    assert explanation["until"] == (NOW + timedelta(days=20)).isoformat()
    assert leaves_of(explanation)[0]["because"]["kind"] == "contact"


@pytest.mark.parametrize("was_in", [True, False])
def test_while_a_rule_is_not_built_who_is_in_is_told_as_it_is(was_in):
    contact = make_person(country="USA")
    group = make_group(
        {"type": "country", "values": ["USA"], "negate": was_in}, version=2, built_version=1
    )
    if was_in:
        Membership.objects.create(group=group, contact=contact)

    explanation = explain(group, contact)

    assert (explanation["member"], explanation["by_rule"]) == (was_in, not was_in)
    assert leaves_of(explanation)[0]["holds"] is not was_in
    assert explanation["until"] is None


def test_a_group_that_was_never_built_has_no_member():
    contact = make_person(country="USA")
    group = make_group({"type": "country", "values": ["USA"]}, built_version=0)
    # A rest of the time before the group was switched off.
    Membership.objects.create(group=group, contact=contact)

    explanation = explain(group, contact)

    assert (explanation["member"], explanation["by_rule"]) == (False, True)


def test_a_field_is_explained_by_the_change_that_set_it():
    contact = create_contact(
        {"city": "Graz"}, Origin(ContactChange.Source.CODE), created_at=ago(days=50)
    )
    change = ContactChange.objects.get()
    group = make_group(
        {"type": "field", "field": "city", "operator": "equals", "value": "graz"},
        {"match": "any", "conditions": [{"type": "field_empty", "field": "zip"}]},
    )

    explanation = explain(group, contact)
    city, nested = leaves_of(explanation)

    assert city["because"]["id"] == change.pk
    assert city["because"]["text"] == "City became “Graz”"
    assert nested["match"] == "any"
    assert nested["holds"] is True
    assert nested["conditions"][0]["holds"] is True


class Past:
    """One contact that was different ten days ago."""

    def __init__(self):
        self.loan = make_activity_type("loan")
        self.consent = make_consent()
        self.text = self.consent.texts.get()
        self.contact = make_person(city="Graz", birthday=date(2000, 1, 1))
        self.other = ContactGroup.objects.create(name="Other", code_name="other", static=True)
        self.group = make_group(
            {"type": "field", "field": "city", "operator": "equals", "value": "Graz"},
            {"type": "field_empty", "field": "birthday", "negate": True},
            {"type": "activity", "activities": ["loan"], "days": 30},
            {"type": "consent", "consent": "TrackingConsent", "version": "current"},
            {"type": "group", "groups": ["other"]},
        )
        ten_days_ago = ago(days=10)
        self.consent.texts.update(created_at=ago(days=80))
        make_activity(
            self.contact, type=self.loan, occurred_at=ago(days=35), recorded_at=ago(days=35)
        )
        self.agree(True, ago(days=40))
        self.event(True, ago(days=40), self.other)
        self.event(True, ago(days=40), self.group)
        # All this turned ten days ago.
        changes = Changes(at=ten_days_ago)
        changes.add(
            self.contact, {"city": "Wien", "birthday": None}, Origin(ContactChange.Source.CODE)
        )
        changes.write()
        save_text(self.consent, language="en", short_text="<p>New</p>")
        self.consent.texts.filter(pk=self.text.pk).update(superseded_at=ten_days_ago)
        self.event(False, ten_days_ago, self.other)
        self.event(False, ten_days_ago, self.group)

    def agree(self, agreed, at):
        ConsentAgreement.objects.create(
            contact=self.contact, consent=self.consent, text=self.text, agreed=agreed, at=at
        )

    def event(self, entered, at, group):
        MembershipEvent.objects.create(
            group=group, contact=self.contact, entered=entered, at=at, cause="code"
        )


def test_the_past_is_told_as_it_was():
    past = Past()

    before = explain(past.group, past.contact, ago(days=11))
    now = explain(past.group, past.contact)

    assert [leaf["holds"] for leaf in leaves_of(before)] == [True] * 5
    assert before["member"] is True
    assert before["since"] == ago(days=40).isoformat()
    assert before["until"] == ago(days=10).isoformat()
    assert [leaf["holds"] for leaf in leaves_of(now)] == [False] * 5
    assert now["since"] == ago(days=10).isoformat()


def test_what_was_recorded_later_was_not_known_then():
    contact = make_person()
    group = make_group({"type": "activity", "activities": ["pagevisit"]})
    make_activity(contact, occurred_at=ago(days=60), recorded_at=ago(days=20))

    assert explain(group, contact, ago(days=21))["member"] is False
    assert explain(group, contact, ago(days=20))["member"] is True


def test_a_merge_is_undone_for_the_time_before():
    survivor, loser = make_person(email="a@example.com"), make_person()
    group = make_group({"type": "activity", "activities": ["pagevisit"]})
    make_activity(loser, occurred_at=ago(days=60), recorded_at=ago(days=60))
    request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    merge = ContactMerge.objects.get()
    ContactMerge.objects.update(due_at=ago(days=1))
    carry_out_merges([merge.pk])
    ContactMerge.objects.update(finished_at=ago(days=10))
    survivor.refresh_from_db()

    assert explain(group, survivor)["by_rule"] is True
    assert explain(group, survivor, ago(days=9))["member"] is True
    assert explain(group, survivor, ago(days=11))["member"] is False
    before = contact_then(loser.guid, ago(days=11))
    assert before == loser
    assert explain(group, before, ago(days=11))["member"] is True
    assert contact_then(loser.guid, ago(days=9)) == survivor


def test_moments_that_nothing_is_known_of_are_refused():
    group, contact = make_group(), make_person(created_at=ago(days=50))

    for at, why in {
        NOW + timedelta(seconds=1): "in the future",
        ago(days=91): "was last changed at",
        ago(days=51): "was created at",
    }.items():
        with pytest.raises(CannotExplain, match=why):
            explain(group, contact, at)


def in_other():
    return {"type": "group", "groups": ["OTHER"]}


@pytest.mark.parametrize("fields", [{"static": True}, {"enabled": False}])
def test_before_a_named_group_was_switched_nothing_is_told(fields):
    ContactGroup.objects.create(
        name="Other", code_name="other", version=3, rule_changed_at=ago(days=10), **fields
    )
    group, contact = make_group(in_other()), make_person()

    assert explain(group, contact, ago(days=10))["member"] is False
    with pytest.raises(CannotExplain, match="“Other”, which the rule names, may have been"):
        explain(group, contact, ago(days=11))


@pytest.mark.parametrize(("built", "is_known"), [([1, 2, 3], True), ([1, 3], False)])
def test_a_version_that_was_not_built_is_one_of_a_group_that_was_off(built, is_known):
    other = ContactGroup.objects.create(
        name="Other", code_name="other", version=3, built_version=3, rule_changed_at=ago(days=20)
    )
    for version in built:
        at = ago(days=40 - 10 * version)
        other.builds.create(version=version, status="done", finished_at=at)
    group, contact = make_group(in_other()), make_person()

    assert explain(group, contact, ago(days=9))["by_rule"] is False
    if is_known:
        assert explain(group, contact, ago(days=11))["by_rule"] is False
    else:
        with pytest.raises(CannotExplain, match="switched on or off"):
            explain(group, contact, ago(days=11))


def test_it_is_known_when_a_group_was_switched_on():
    group = ContactGroup(name="Other", code_name="other")
    save_group(group)
    group.rule = {"match": "any", "conditions": []}
    save_group(group)
    assert switched_at(group) is None

    for group.enabled in (False, True):
        save_group(group)
    assert switched_at(group) == NOW
    group.builds.filter(status="waiting").update(status="done", finished_at=ago(days=1))
    assert switched_at(group) == ago(days=1)


def test_static_groups_are_told_by_their_history():
    contact = make_person()
    group = make_group(static=True)
    MembershipEvent.objects.create(
        group=group, contact=contact, entered=True, at=ago(days=5), cause="user"
    )
    Membership.objects.create(group=group, contact=contact)

    assert explain(group, contact)["member"] is True
    assert explain(group, contact, ago(days=6))["member"] is False
    assert explain(group, contact)["rule"] is None
    assert explain(group, contact)["by_rule"] is None


def test_a_group_that_is_switched_off_has_no_member():
    assert explain(make_group(enabled=False), make_person())["member"] is False


def explained(*arguments):
    out = StringIO()
    call_command("explain_membership", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_prints_one_object():
    past = Past()
    guid = str(past.contact.guid)

    assert explained("LOANS", guid)["member"] is False
    assert explained("loans", guid, "--at", ago(days=11).isoformat())["member"] is True


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nothing", "{guid}"], "There is no contact group “nothing”."),
        (["loans", "xyz"], "“xyz” is no GUID."),
        (["loans", "00000000-0000-4000-8000-000000000000"], "There is no contact with the GUID"),
        (["loans", "{guid}", "--at", "yesterday"], "is no time: write it as"),
        (["loans", "{guid}", "--at", "2026-03-01T12:00:01Z"], "is in the future."),
        (["loans", "{guid}", "--at", "2025-01-01"], "was last changed at"),
    ],
)
def test_the_command_refuses_what_it_cannot_explain_in_one_line(arguments, line):
    make_group()
    contact = make_person()

    with pytest.raises(CommandError, match=line) as refused:
        explained(*(argument.format(guid=contact.guid) for argument in arguments))
    assert "\n" not in str(refused.value)


def test_an_explanation_takes_four_queries_however_many_conditions_there_are():
    contact, channel = make_person(), make_channel()
    leaf = {"type": "activity", "activities": ["pagevisit"], "days": 30}
    group = make_group(leaf, {"match": "any", "conditions": [leaf, {**leaf, "days": 20}]})
    make_activity(contact, channel=channel)

    with CaptureQueriesContext(connection) as queries:
        explain(group, contact)

    # The names, the rule with its evidence, the membership, and the history.
    assert len(queries) == 4


def test_a_contact_with_a_long_history_is_explained_by_the_index():
    contact, channel, loan = make_person(), make_channel(), make_activity_type("loan")
    others = [make_person() for _ in range(30)]
    made = make_activity(contact, channel=channel, occurred_at=ago(days=1))
    with connection.cursor() as cursor:
        # Those of the type that is asked for are all of others.
        cursor.execute(
            "INSERT INTO activities_activity (type_id, contact_id, channel_id, title, value, url,"
            " referrer, occurred_at, recorded_at, logged_as, request_id)"
            " SELECT CASE WHEN n %% 3 > 0 AND n %% 10 > 0 THEN %s ELSE type_id END,"
            " CASE WHEN n %% 10 = 0 THEN contact_id ELSE (%s::bigint[])[n %% 30 + 1] END,"
            " channel_id, title, value, url, referrer, occurred_at - n * interval '1 minute',"
            " recorded_at, logged_as, request_id"
            " FROM activities_activity, generate_series(1, 5000) AS n WHERE id = %s",
            [loan.pk, [other.pk for other in others], made.pk],
        )
        cursor.execute("ANALYZE activities_activity")
    value = {"operator": ">", "value": 5}
    group = make_group(
        {"type": "activity", "activities": ["loan"], "negate": True, "value": value},
        {"type": "activity", "activities": ["loan"], "days": 30, "at_least": 2},
    )

    for at in (None, NOW):
        with CaptureQueriesContext(connection) as queries:
            explain(group, contact, at)
        (asked,) = (one["sql"] for one in queries if "asked" in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}")
            (plan,) = cursor.fetchone()
        scans = list(scans_of_activities(plan[0]["Plan"]))
        assert scans
        for scan in scans:
            assert scan["Index Name"] == "activities_of_a_contact"
            assert f"type_id = {loan.pk}" in scan["Index Cond"]
            assert scan.get("Rows Removed by Filter", 0) == 0, "no row is read of another type"


def scans_of_activities(node):
    if node.get("Relation Name") == "activities_activity":
        yield node
    for inner in node.get("Plans", ()):
        yield from scans_of_activities(inner)
