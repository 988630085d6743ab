"""The condition of rules on what became of an email: read, followed, explained and shown."""

from datetime import timedelta

import pytest
from django.utils import timezone

from automations.emails import tracking
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from groups.admin.causes import cause_of
from groups.admin.offers import offers
from groups.explaining import explain
from groups.models import MembershipDue, MembershipEvent
from groups.problems import problems_of
from groups.rules import InvalidRule, parse, to_json
from groups.sentences import sentence
from groups.sweeping import sweep_once
from tests.automations.mails import add_event, links_of, make_email, make_template
from tests.factories import make_contact
from tests.groups.people import all_of, events, follow, make_group, members

committed = pytest.mark.django_db(transaction=True)


def mailed(did="opened", template="brochure", **more):
    return {"type": "email_activity", "template": template, "did": did, **more}


def said(**leaf):
    return sentence(parse(all_of(mailed(**leaf))))


def test_the_normal_form_has_what_is_not_the_default():
    rule = all_of(mailed(days=30, negate=False))

    assert to_json(parse(rule)) == all_of(mailed(days=30))


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ({"did": "opened"}, "template"),
        ({"template": "brochure"}, "did"),
        (mailed("liked"), "did"),
        (mailed(days=0), "days"),
        (mailed(days=100_001), "days"),
        (mailed(template=["brochure"]), "template"),
        (mailed(templates=["brochure"]), "templates"),
    ],
)
def test_what_is_no_such_condition_is_refused_at_its_place(leaf, path):
    with pytest.raises(InvalidRule) as error:
        parse(all_of({"type": "email_activity", **leaf}))

    assert error.value.path == f"conditions[0].{path}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("did", "yes", "no"),
    [
        ("sent", "was sent “Brochure”", "was not sent “Brochure”"),
        ("opened", "has opened “Brochure”", "has not opened “Brochure”"),
        ("clicked", "has clicked a link in “Brochure”", "has not clicked a link in “Brochure”"),
        (
            "bounced",
            "has an address that sent “Brochure” back",
            "has no address that sent “Brochure” back",
        ),
        (
            "unsubscribed",
            "has unsubscribed by “Brochure”",
            "has not unsubscribed by “Brochure”",
        ),
    ],
)
def test_the_condition_is_said_in_english(did, yes, no):
    make_template(code_name="brochure", name="Brochure")

    assert yes in said(did=did)
    assert no in said(did=did, negate=True)
    assert f"{yes} within the last 30 days" in said(did=did, days=30)


@pytest.mark.django_db
def test_a_template_that_is_not_there_is_a_problem():
    (problem,) = problems_of(parse(all_of(mailed(template="gone"))))

    assert problem.text == (
        "There is no email template “gone” any more: nobody gets an email of it. Choose another."
    )
    assert (problem.path, problem.missing) == ("conditions[0]", True)


@pytest.mark.django_db
def test_the_builder_offers_the_templates():
    make_template(code_name="welcome", name="welcome")
    make_template(code_name="brochure", name="Brochure")

    assert offers()["templates"] == [("brochure", "Brochure"), ("welcome", "welcome")]


@committed
def test_an_open_makes_a_member_and_one_of_a_program_does_not():
    email = make_email(template=make_template(code_name="brochure"))
    other = make_email(template=email.template)
    group = make_group("readers", mailed())

    add_event(other, "opened", by_robot=True)
    add_event(other, "clicked")
    event = add_event(email, "opened")
    follow()

    assert members(group) == [email.contact_id]
    assert events(group) == [(email.contact_id, "in", "email", event.pk)]


@committed
def test_who_got_an_email_leaves_the_group_of_those_who_did_not():
    email = make_email(template=make_template(code_name="brochure"))
    group = make_group("others", mailed("sent", negate=True))
    assert members(group) == [email.contact_id]

    add_event(email, "sent")
    follow()

    assert members(group) == []


@committed
def test_a_window_ends_by_itself():
    email = make_email(template=make_template(code_name="brochure"))
    add_event(email, "opened", at=timezone.now() - timedelta(days=29, hours=23))
    group = make_group("lately", mailed(days=30))
    assert members(group) == [email.contact_id]
    email.events.update(at=timezone.now() - timedelta(days=31))
    MembershipDue.objects.update(due_at=timezone.now())

    sweep_once()

    assert members(group) == []


@committed
def test_a_merge_takes_what_became_of_emails_along():
    loser = make_contact(first_name="Anna")
    email = make_email(loser, template=make_template(code_name="brochure"))
    add_event(email, "opened")
    survivor = make_contact(email="anna@example.com")
    group = make_group("readers", mailed())
    assert members(group) == [loser.pk]

    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])
    follow()

    assert members(group) == [survivor.pk]


@committed
def test_an_open_by_the_pixel_reaches_the_group(client, monkeypatch):
    monkeypatch.setattr(tracking, "_may_count", lambda email, kind: True)
    email = make_email(template=make_template(code_name="brochure"))
    group = make_group("readers", mailed())

    client.get(links_of(email).pixel, headers={"User-Agent": "Mozilla/5.0 Firefox/140.0"})
    follow()

    assert members(group) == [email.contact_id]


@pytest.mark.django_db
def test_the_explanation_has_the_event_now_and_then():
    template = make_template(code_name="brochure", name="Brochure")
    email = make_email(template=template)
    an_hour, now = timedelta(hours=1), timezone.now()
    email.contact.created_at = now - 5 * an_hour
    email.contact.save()
    opened = add_event(email, "opened", at=now - 2 * an_hour)
    add_event(email, "opened", at=now - an_hour, by_robot=True)
    group = make_group("readers", mailed(), rule_changed_at=now - 5 * an_hour)
    type(group).objects.update(rule_changed_at=now - 5 * an_hour)
    group.refresh_from_db()

    (leaf,) = explain(group, email.contact)["rule"]["conditions"]
    (before,) = explain(group, email.contact, at=now - 3 * an_hour)["rule"]["conditions"]
    (after,) = explain(group, email.contact, at=now - an_hour)["rule"]["conditions"]

    assert leaf["holds"] is after["holds"] is True
    assert before["holds"] is False
    assert before["because"] is None
    assert leaf["because"] == {
        "kind": "email_event",
        "id": opened.pk,
        "time": opened.at.isoformat(),
        "text": "has opened “Brochure”",
        "count": 1,
    }


@pytest.mark.django_db
def test_what_a_merge_brought_later_was_not_there_before():
    loser = make_contact(first_name="Anna")
    email = make_email(loser, template=make_template(code_name="brochure"))
    survivor = make_contact(email="anna@example.com")
    long_ago = timezone.now() - timedelta(hours=5)
    type(loser).objects.update(created_at=long_ago)
    add_event(email, "opened", at=long_ago)
    group = make_group("readers", mailed())
    type(group).objects.update(rule_changed_at=long_ago)
    group.refresh_from_db()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    before = timezone.now()
    carry_out_merges([merge.pk])
    survivor.refresh_from_db()

    assert explain(group, survivor, at=before)["rule"]["holds"] is False
    assert explain(group, survivor)["rule"]["holds"] is True
    assert explain(group, loser, at=before)["rule"]["holds"] is True


@pytest.mark.django_db
def test_an_entry_by_an_email_leads_to_the_emails_of_the_contact(admin_user):
    contact = make_contact()
    event = MembershipEvent(contact=contact, cause="email", cause_id=7)

    assert str(cause_of(event, admin_user)) == (
        f'<a href="/admin/contacts/contact/{contact.pk}/change/#emails"'
        ' class="font-medium text-link">What became of an email</a>'
    )


@pytest.mark.django_db
def test_the_page_that_says_why_leads_to_the_emails(admin_client):
    email = make_email(template=make_template(code_name="brochure", name="Brochure"))
    add_event(email, "opened")
    group = make_group("readers", mailed())

    page = admin_client.get(
        f"/admin/groups/contactgroup/{group.pk}/why/{email.contact_id}/"
    ).content.decode()

    assert "has opened “Brochure”" in page
    assert f"/admin/contacts/contact/{email.contact_id}/change/#emails" in page
