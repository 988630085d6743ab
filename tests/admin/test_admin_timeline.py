"""The timeline of a contact: one order of what apps know, page by page."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.urls import reverse

from activities.models import ContactSeen, DataInput, PropertyRule
from adminsite.formatting import change_url
from automations.models import EmailEvent, Run
from consents.models import ConsentAgreement
from contacts.admin import timeline
from contacts.admin.timeline import (
    Entry,
    EntryKind,
    Position,
    kinds_for,
    query_of,
    read_page,
    register_entries,
)
from contacts.models import Contact, ContactIdentifier, ContactMerge
from groups.models import MembershipEvent
from tests.automations.mails import add_event, make_email
from tests.automations.running import enter, make_automation
from tests.factories import make_activity, make_channel, make_consent, make_contact, make_group

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def make_data_input(contact, *, at=NOON, sent_by=None):
    activity = make_activity(contact, occurred_at=at)
    return DataInput.objects.create(
        contact=contact,
        activity=activity,
        fields={"city": "Bern"},
        sent_by=sent_by,
    )


def make_agreement(contact, *, at=NOON, consent=None):
    consent = consent or make_consent("newsletter", name="Newsletter", texts={"en": "Yes?"})
    return ConsentAgreement.objects.create(contact=contact, consent=consent, agreed=True, at=at)


def make_merge(survivor, loser, *, at=NOON):
    return ContactMerge.objects.create(
        survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER, requested_at=at
    )


def enter_group(contact, *, at=NOON):
    group = make_group(f"group-{contact.pk}-{MembershipEvent.objects.count()}")
    return MembershipEvent.objects.create(
        group=group, contact=contact, entered=True, at=at, cause=MembershipEvent.Cause.CODE
    )


def make_mail(contact, *, at=NOON):
    """A run, with an email that was opened."""
    run = enter(make_automation(code_name=f"automation-{Run.objects.count()}"), contact)
    run.entered_at = at
    run.save()
    email = make_email(contact, run=run, prepared_at=at)
    return add_event(email, EmailEvent.Kind.OPENED, at=at)


def rows_of(page):
    return [entry.row for _, entries in page.days for _, _, entry in entries]


def walk(contact, user, **options):
    """All rows of the timeline, page by page."""
    rows, page = [], read_page(contact, user, **options)
    rows += rows_of(page)
    while page.older:
        page = read_page(contact, user, after=page.older, **options)
        rows += rows_of(page)
    return rows


def test_everything_is_in_one_order_the_newest_first(admin_user):
    contact, other = make_contact(), make_contact()
    agreement = make_agreement(contact, at=NOON + 3 * SECOND)
    activity = make_activity(contact, occurred_at=NOON + 2 * SECOND)
    merge = make_merge(contact, other, at=NOON + SECOND)
    data_input = make_data_input(contact, at=NOON)

    rows = rows_of(read_page(contact, admin_user))

    assert rows == [agreement, activity, merge, data_input.activity, data_input]


def test_what_is_of_one_moment_is_ordered_by_kind_then_by_id(admin_user):
    contact, other = make_contact(), make_contact()
    merges = [make_merge(contact, other), make_merge(other, contact)]
    activities = [make_activity(contact, occurred_at=NOON) for _ in range(3)]
    agreements = [make_agreement(contact)]

    rows = rows_of(read_page(contact, admin_user))

    assert rows == [*reversed(activities), *agreements, *reversed(merges)]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pages_have_every_entry_once_and_in_order(admin_user, monkeypatch, size):
    contact, other = make_contact(), make_contact()
    for at in (NOON, NOON, NOON + SECOND, NOON - DAY):
        make_activity(contact, occurred_at=at)
        make_data_input(contact, at=at)
        make_data_input(other, at=at, sent_by=contact)
    make_merge(contact, other)
    make_merge(other, contact)
    consent = make_consent("ads")
    for _ in range(3):
        make_agreement(contact, consent=consent)
    everything = rows_of(read_page(contact, admin_user))

    monkeypatch.setattr(timeline, "PER_PAGE", size)

    assert len(everything) == 21
    assert walk(contact, admin_user) == everything


def test_what_happens_meanwhile_does_not_move_the_next_page(admin_user, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 1)
    contact = make_contact()
    older = make_activity(contact, occurred_at=NOON)
    make_activity(contact, occurred_at=NOON + SECOND)
    first = read_page(contact, admin_user)

    make_activity(contact, occurred_at=NOON + 2 * SECOND)

    assert rows_of(read_page(contact, admin_user, after=first.older)) == [older]


def test_one_kind_alone_is_shown_by_its_name(admin_user):
    contact = make_contact()
    make_activity(contact)
    agreement = make_agreement(contact)

    assert walk(contact, admin_user, only="agreements") == [agreement]


def test_a_data_input_is_on_the_pages_of_its_contact_and_of_its_sender(admin_user):
    owner, sender = make_contact(first_name="Owner"), make_contact(first_name="Sender")
    data_input = make_data_input(owner, sent_by=sender)

    for contact, belongs_elsewhere in ((owner, False), (sender, True)):
        ((_, [(_, _, entry)]),) = read_page(contact, admin_user, only="data-inputs").days
        assert entry.row == data_input
        assert entry.shown["belongs_elsewhere"] == belongs_elsewhere


def test_a_data_input_is_there_once_if_its_sender_has_become_its_contact(admin_user):
    contact = make_contact()
    data_input = make_data_input(contact, sent_by=contact)

    assert walk(contact, admin_user, only="data-inputs") == [data_input]


def test_a_merge_names_the_other_contact_on_both_pages(admin_user):
    survivor, loser = make_contact(), make_contact()
    make_merge(survivor, loser)

    for contact, other in ((survivor, loser), (loser, survivor)):
        ((_, [(_, _, entry)]),) = read_page(contact, admin_user).days
        assert (entry.shown["other"], entry.shown["survived"]) == (other, contact == survivor)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("is_older_page", [False, True])
def test_a_page_takes_a_constant_number_of_queries(
    admin_user, django_assert_num_queries, count, is_older_page
):
    contact, consent = make_contact(), make_consent("ads")
    for _ in range(count):
        other = make_contact()
        make_data_input(contact)
        make_data_input(other, sent_by=contact)
        make_agreement(contact, consent=consent)
        make_merge(contact, other)
        make_merge(other, contact)
        enter_group(contact)
        make_mail(contact)
    after = Position(NOON + SECOND, "activities", 0) if is_older_page else None

    with django_assert_num_queries(14):
        page = read_page(contact, admin_user, after=after)

    assert page.count == 10 * count


@pytest.mark.parametrize(
    ("permission", "kinds"),
    [
        (None, []),
        ("view_activity", ["activities", "data-inputs"]),
        ("view_consentagreement", ["agreements"]),
        ("view_contactmerge", ["merges"]),
        ("view_contactgroup", ["groups"]),
        ("view_run", ["automations"]),
        ("view_email", ["emails", "email-events"]),
    ],
)
def test_a_user_sees_the_kinds_that_they_may_see(log_in, permission, kinds):
    contact = make_contact()
    make_data_input(contact)
    make_agreement(contact)
    make_merge(contact, make_contact())
    enter_group(contact)
    make_mail(contact)
    client = log_in("view_contact", permission)

    page = client.get(change_url(contact))
    part = client.get(reverse("admin:contacts_contact_timeline", args=[contact.pk]))

    user = page.context["user"]
    assert {kind.name for kind in kinds_for(user)} == {"changes", "notes", *kinds}
    shown = {kind.name for _, of_day in part.context["page"].days for kind, _, _ in of_day}
    assert shown == set(kinds)
    assert "timeline" in [one["section"].slug for one in page.context["sections"]]


@pytest.mark.parametrize(
    ("permission", "shown"), [("view_contact", True), ("change_contact", False)]
)
def test_personal_properties_are_for_those_who_may_see_contacts(log_in, permission, shown):
    contact = make_contact()
    activity = make_activity(contact, title="Order of Ann", url="https://example.com/ann")
    PropertyRule.objects.create(
        activity_type=activity.type, name="name", kind="string", is_personal=True
    )
    DataInput.objects.create(contact=contact, activity=activity, fields={})

    html = log_in(permission, "view_activity").get(change_url(contact)).text

    assert ("Order of Ann" in html) == shown
    assert ("https://example.com/ann" in html) == shown


def test_more_entries_come_without_the_page_around_them(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    contact = make_contact(first_name="Anna")
    for number in range(4):
        make_activity(contact, title=f"Visit {number}", occurred_at=NOON - number * SECOND)
    page = admin_client.get(change_url(contact)).text
    addresses = sorted(set(re.findall(r'hx-get="([^"]+/timeline/[^"]+)"', page)), key=len)
    address, scrolled = (one.replace("&amp;", "&") for one in addresses)

    part = admin_client.get(address).text

    assert scrolled == f"{address}&scrolled=1"
    assert "autofocus" not in admin_client.get(scrolled).text
    assert re.findall(r"Visit \d", page) == ["Visit 0", "Visit 1"]
    assert re.findall(r"Visit \d", part) == ["Visit 2", "Visit 3"]
    assert "Anna" not in part
    assert "<h3" not in part  # the day goes on
    assert part.count("autofocus") == 1
    assert "Show more" not in part


def test_another_day_has_its_name_above_it(admin_client):
    contact = make_contact()
    make_activity(contact, occurred_at=NOON)
    query = query_of(after=Position(NOON + DAY, "activities", 0))

    part = admin_client.get(
        f"{reverse('admin:contacts_contact_timeline', args=[contact.pk])}?{query}"
    )

    assert re.findall(r"<h3[^>]*>(.*?)</h3>", part.text) == ["Sunday, 1 March 2026"]


def test_more_entries_are_a_page_of_their_own_without_scripts(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 1)
    contact = make_contact()
    make_activity(contact, title="Older", occurred_at=NOON)
    make_activity(contact, title="Newer", occurred_at=NOON + SECOND)
    page = admin_client.get(change_url(contact), {"kind": "activities"}).text
    (link,) = re.findall(r'href="(\?[^"]+before=[^"]+)#timeline"', page)

    older = admin_client.get(f"{change_url(contact)}{link.replace('&amp;', '&')}").text

    assert re.findall(r">(Older|Newer)<", older) == ["Older"]
    assert 'href="?kind=activities#timeline">Back to the newest' in older


@pytest.mark.parametrize(
    "query", ["before=17", "before=x.activities.1", f"before={9 * 10**17}.a.1", "kind=nothing"]
)
def test_an_address_that_makes_no_sense_leads_to_the_newest(admin_client, query):
    contact = make_contact()
    make_activity(contact, title="Newest")

    page = admin_client.get(f"{change_url(contact)}?{query}")

    assert "Newest" in page.text
    assert "Back to the newest" not in page.text


def test_more_entries_are_for_those_who_may_see_contacts(log_in):
    contact = make_contact()

    answer = log_in("view_activity").get(
        reverse("admin:contacts_contact_timeline", args=[contact.pk])
    )

    assert answer.status_code == 403


def test_nobody_has_no_timeline(admin_client):
    answer = admin_client.get(reverse("admin:contacts_contact_timeline", args=[1]))

    assert answer.status_code == 404


def test_the_tab_says_how_many_entries_it_shows(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    contact = make_contact()
    counts = []
    for _ in range(4):
        (section, *_) = admin_client.get(change_url(contact)).context["sections"]
        counts.append(section["content"].count)
        make_activity(contact)

    assert counts == ["", "1", "2", "2+"]


def test_an_empty_timeline_says_what_to_do_next(admin_client):
    contact = make_contact()

    everything = admin_client.get(change_url(contact)).text
    merges = admin_client.get(change_url(contact), {"kind": "merges"}).text
    older = admin_client.get(f"{change_url(contact)}?before=0.activities.1").text

    assert "Nothing has happened with this contact yet." in everything
    assert reverse("admin:channels_channel_changelist") in everything
    assert "There is nothing of this kind." in merges
    assert "There is nothing older." in older


def facts_of(page):
    return dict(fact for one in page.context["sections"] for fact in one["content"].facts)


def test_the_head_of_the_page_says_when_the_contact_was_seen(admin_client):
    contact = make_contact()
    before = facts_of(admin_client.get(change_url(contact)))
    ContactSeen.objects.create(contact=contact, first_seen=NOON - DAY, last_seen=NOON)

    # Whatever part of the timeline is shown.
    after = facts_of(admin_client.get(change_url(contact), {"kind": "merges"}))

    assert list(before) == [
        *("First seen", "Last seen", "First source", "Consents", "Contact groups"),
        *("In automations", "Told to"),
    ]
    assert (before["First seen"], before["Last seen"]) == ("Not yet", "Not yet")
    assert "28 Feb 2026" in after["First seen"]
    assert "1 Mar 2026" in after["Last seen"]


def test_a_contact_that_was_merged_is_not_awaited(admin_client):
    contact = make_contact(merged_into=make_contact())

    facts = facts_of(admin_client.get(change_url(contact)))

    assert facts["Last seen"] == "-"


def test_users_who_see_no_activities_do_not_see_when_they_happened(client):
    contact = make_contact()
    user = User.objects.create_user("marketer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client.force_login(user)

    assert "Last seen" not in facts_of(client.get(change_url(contact)))


@pytest.mark.parametrize(
    "at", [NOON, NOON + timedelta(microseconds=1), datetime(1, 1, 2, tzinfo=UTC)]
)
def test_a_position_is_read_as_it_was_written(at):
    position = Position(at, "data-inputs", 7)

    assert Position.parse(str(position)) == position


def test_an_app_adds_a_kind_with_one_declaration(monkeypatch):
    monkeypatch.setattr(timeline, "_kinds", [])
    register_entries(
        EntryKind(
            name="identifiers",
            title="Identifiers",
            position=10,
            may_see=lambda user: True,
            rows=lambda contact, user: [contact.identifiers.all()],
            at="created_at",
            describe=lambda contact, rows, user: [Entry(row, "key", row.kind, {}) for row in rows],
            template="identifier.html",
            facts=lambda contact, user: [("Identifiers", contact.identifiers.count())],
        )
    )
    contact = make_contact()
    identifier = ContactIdentifier.objects.create(
        contact=contact,
        site_id=make_channel().site_id,
        kind=ContactIdentifier.Kind.USER_ID,
        value="u1",
        created_at=NOON,
    )

    page = read_page(Contact.objects.get(), AnonymousUser())

    assert rows_of(page) == [identifier]
