"""Finding in a timeline: by text, by type, by channel, never further than a page may look."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from activities.models import DataInput, PropertyRule
from adminsite.formatting import change_url
from contacts.admin import timeline
from contacts.admin.timeline import kinds_for, read_page
from contacts.changes import Origin, change_contact
from contacts.models import ContactChange
from tests.admin.test_admin_timeline import (
    enter_group,
    make_agreement,
    make_data_input,
    make_mail,
    make_merge,
    rows_of,
)
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def found(contact, user, text="", **choices):
    return rows_of(read_page(contact, user, text=text, choices=choices))


@pytest.mark.parametrize(
    "text", ["LOAN", "loans", "/loans/100%", "100%", "'quoted'", "שלום", "贷款"]
)
def test_a_text_is_found_in_what_was_visited(admin_user, text):
    contact = make_contact()
    visit = make_activity(
        contact, title="Page visit 'quoted' שלום 贷款", url="https://example.com/loans/100%"
    )
    make_activity(contact, title="Other", url="https://example.com/other")

    assert found(contact, admin_user, text) == [visit]


@pytest.mark.parametrize("text", ["%", "_", "x" * 200, "\\"])
def test_a_text_that_is_nowhere_finds_nothing(admin_user, text):
    contact = make_contact()
    make_activity(contact)

    assert found(contact, admin_user, text) == []


def test_every_kind_that_can_be_searched_is(admin_user):
    contact = make_contact()
    data_input = make_data_input(contact)
    agreement = make_agreement(contact)
    enter_group(contact)
    make_mail(contact)
    change_contact(contact, {"city": "Geneva"}, Origin(ContactChange.Source.CODE))

    assert found(contact, admin_user, "bern") == [data_input]
    assert found(contact, admin_user, "newsl") == [agreement]
    (change,) = found(contact, admin_user, "GENEVA")
    assert isinstance(change, ContactChange)
    for kind in kinds_for(admin_user):
        assert (kind.search is not None) == (kind.name != "merges")
        if kind.search is not None:
            assert found(contact, admin_user, "xyzzy") == []


def test_a_type_or_a_channel_narrows_to_what_has_one(admin_user):
    contact, app = make_contact(), make_channel()
    loan = make_activity(contact, type=make_activity_type(), channel=app)
    other = make_activity(contact)
    consent = make_consent("ads")
    agreement = make_agreement(contact, consent=consent)
    make_merge(contact, make_contact())

    assert found(contact, admin_user, type=str(loan.type_id)) == [loan]
    assert found(contact, admin_user, channel=str(app.pk)) == [loan]
    assert found(contact, admin_user, type=str(other.type_id), channel=str(app.pk)) == []
    assert agreement not in found(contact, admin_user, channel=str(app.pk))


@pytest.mark.parametrize(
    ("permission", "says"),
    [("change_contact", "Nothing of this contact is so."), ("view_contact", "Order of Ann")],
)
def test_nobody_finds_by_what_they_may_not_see(log_in, permission, says):
    contact = make_contact()
    activity = make_activity(contact, title="Order of Ann", value="Ann", url="https://e.com/ann")
    DataInput.objects.create(contact=contact, activity=activity, fields={"city": "Bern"})
    PropertyRule.objects.create(
        activity_type=activity.type, name="name", kind="string", is_personal=True
    )

    page = log_in(permission, "view_activity").get(change_url(contact), {"find": "ann"})

    assert says in page.text


def test_a_search_looks_so_far_then_says_where_it_is_and_goes_on(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "LOOKED", 3)
    contact = make_contact()
    for number in range(10):
        title = "Needle" if number in (1, 8) else "Hay"
        make_activity(contact, title=title, value="", occurred_at=NOON - number * MINUTE)

    response = admin_client.get(change_url(contact), {"find": "needle"})
    pages = [response.context["sections"][0]["content"].context]
    while pages[-1]["older_url"]:
        assert not pages[-1]["scroll_url"]
        pages.append(admin_client.get(pages[-1]["older_attrs"]["hx-get"]).context)

    counts = [page["page"].count for page in pages]
    looked = [page["page"].looked_until for page in pages]
    assert counts == [1, 0, 1, 0]
    assert looked == [*(NOON - number * MINUTE for number in (2, 5, 8)), None]
    assert "Look further back" in response.text
    assert "There is more before that." in response.text


def test_a_search_stops_where_the_first_kind_stops(admin_user, monkeypatch):
    monkeypatch.setattr(timeline, "LOOKED", 2)
    contact = make_contact()
    consent = make_consent("ads", name="Needle")
    agreements = [
        make_agreement(contact, at=NOON - number * MINUTE, consent=consent) for number in (0, 50)
    ]
    for number in (10, 20, 30):
        make_activity(contact, title="Needle", occurred_at=NOON - number * MINUTE)

    first = read_page(contact, admin_user, text="needle")
    rest = read_page(contact, admin_user, text="needle", after=first.older)

    assert rows_of(first)[0] == agreements[0]
    assert [row.pk for row in rows_of(first)[1:]] == [
        row.pk for row in contact.activities.order_by("-occurred_at")[:2]
    ]
    assert rows_of(rest)[-1] == agreements[1]
    assert len(rows_of(first)) + len(rows_of(rest)) == 5


def test_more_matches_than_a_page_has_come_page_by_page(admin_user, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    monkeypatch.setattr(timeline, "LOOKED", 4)
    contact = make_contact()
    made = [
        make_activity(contact, title="Needle", occurred_at=NOON - number * MINUTE)
        for number in range(7)
    ]
    rows, after = [], None
    while True:
        page = read_page(contact, admin_user, text="needle", after=after)
        rows += rows_of(page)
        if page.older is None:
            break
        after = page.older

    assert rows == made


@pytest.mark.parametrize("count", [1, 3])
def test_a_search_takes_a_constant_number_of_queries(admin_user, django_assert_num_queries, count):
    contact = make_contact()
    for _ in range(count):
        make_data_input(contact)
        enter_group(contact)
        make_mail(contact)

    with django_assert_num_queries(22):
        read_page(contact, admin_user, text="e")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("find=" + "x" * 300, "at most 200 characters"),
        ("find=%00", "Null characters"),
        ("type=nothing", "not one of the available choices"),
        ("channel=99999999999999999999", "not one of the available choices"),
    ],
)
def test_what_cannot_be_asked_for_is_not_and_the_form_says_so(admin_client, query, says):
    contact = make_contact()
    make_activity(contact, title="Still here")

    page = admin_client.get(f"{change_url(contact)}?{query}").text

    assert says in page
    assert "Still here" in page


def test_what_was_asked_for_stays_in_every_link(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 1)
    contact, channel = make_contact(), make_channel()
    for _ in range(2):
        make_activity(contact, title="<b>Needle", channel=channel)

    page = admin_client.get(
        change_url(contact), {"kind": "activities", "find": "<b>", "channel": channel.pk}
    ).text

    query = f"kind=activities&amp;channel={channel.pk}&amp;find=%3Cb%3E&amp;before="
    assert f'href="?{query}' in page
    assert reverse("admin:contacts_contact_timeline", args=[contact.pk]) + f"?{query}" in page
    assert f'href="?kind=merges&amp;channel={channel.pk}&amp;find=%3Cb%3E#timeline"' in page
