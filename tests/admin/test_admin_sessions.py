"""Sessions in the timeline of a contact: what it did without a long pause, under one head."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.admin.timeline import source_of
from activities.models import ActivityType
from adminsite.formatting import change_url
from contacts.admin import timeline
from contacts.admin.sessions import end_of_page, ranges_of
from contacts.admin.timeline import read_page
from tests.admin.test_admin_timeline import make_agreement, rows_of, walk
from tests.factories import make_activity, make_channel, make_contact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(*minutes):
    """Moments, so many minutes before noon; None stays."""
    return [None if one is None else NOON - one * MINUTE for one in minutes]


@pytest.mark.parametrize(
    ("times", "ranges"),
    [
        ([], []),
        ([None, None], []),
        (at(0), [(0, 0)]),
        (at(0, 30, 61), [(0, 1), (2, 2)]),
        (at(None, 0, None, 5, None), [(1, 3)]),
        (at(0, None, 31), [(0, 0), (2, 2)]),
    ],
)
def test_a_pause_of_more_than_half_an_hour_ends_a_session(times, ranges):
    assert list(ranges_of(times)) == ranges


@pytest.mark.parametrize(
    ("times", "end"),
    [
        (at(0, 1), (2, False)),
        (at(0, 1, 2, 40), (3, False)),
        # The second session goes to the next page as a whole.
        (at(0, 40, 41, 42), (1, False)),
        (at(None, 40, None, 42), (1, False)),
        # One that is longer than a page is cut.
        (at(0, 1, 2, 3), (3, True)),
        (at(0, 1, 2, None), (3, False)),
        (at(None, None, None, 1), (3, False)),
    ],
)
def test_a_page_ends_where_a_session_ends(times, end):
    assert end_of_page(times, 3) == end


def heads_of(page):
    return [entry.session for _, day in page.days for _, _, entry in day if entry.session]


@pytest.mark.django_db
def test_a_session_says_when_where_from_and_how_much(admin_user):
    contact, shop = make_contact(), make_channel(name="Shop")
    make_activity(
        contact,
        channel=shop,
        occurred_at=NOON - 20 * MINUTE,
        url="https://shop.example.com/?utm_source=newsletter&utm_campaign=spring&q=1",
        referrer="https://mail.example.org/inbox",
    )
    click = ActivityType.objects.get(code_name="click")
    make_activity(contact, channel=shop, type=click, occurred_at=NOON - 5 * MINUTE)
    make_activity(contact, channel=shop, occurred_at=NOON)
    make_activity(contact, occurred_at=NOON - 51 * MINUTE, referrer="https://search.example/")
    agreement = make_agreement(contact, at=NOON - 10 * MINUTE)

    page = read_page(contact, admin_user)

    newest, oldest = heads_of(page)
    assert (newest.began_at, newest.ended_at) == (NOON - 20 * MINUTE, NOON)
    assert newest.duration == "20 min"
    assert (newest.pages, newest.activities) == (2, 3)
    assert (newest.source, newest.where) == ("newsletter / spring", "Shop")
    assert not newest.goes_on
    assert (oldest.activities, oldest.duration, oldest.source) == (1, "", "search.example")
    inside = {entry.row: entry.in_session for _, day in page.days for _, _, entry in day}
    assert inside[agreement]


@pytest.mark.django_db
def test_a_session_that_is_longer_than_a_page_says_so_on_both(admin_client, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 2)
    contact = make_contact()
    for number in range(3):
        make_activity(contact, occurred_at=NOON - number * MINUTE)
    response = admin_client.get(change_url(contact))
    page = response.context["sections"][0]["content"].context

    older = admin_client.get(page["older_attrs"]["hx-get"])

    (first,) = heads_of(page["page"])
    (second,) = heads_of(older.context["page"])
    assert (first.goes_on, first.is_continued) == (True, False)
    assert (second.goes_on, second.is_continued) == (False, True)
    assert "began before" in response.text
    assert "Earlier in the same session" in older.text


@pytest.mark.django_db
def test_whole_sessions_come_once_and_in_order(admin_user, monkeypatch):
    monkeypatch.setattr(timeline, "PER_PAGE", 3)
    contact = make_contact()
    minutes = [0, 1, 60, 61, 120, 121, 122, 123, 200]
    made = [make_activity(contact, occurred_at=NOON - one * MINUTE) for one in minutes]

    assert [len(rows_of(page)) for page in pages(contact, admin_user)] == [2, 2, 3, 2]
    assert walk(contact, admin_user) == made


def pages(contact, user):
    page = read_page(contact, user)
    yield page
    while page.older:
        page = read_page(contact, user, after=page.older, within_session=page.is_within_session)
        yield page


@pytest.mark.parametrize(
    ("url", "referrer", "source"),
    [
        ("https://a.example/", "", ""),
        ("https://a.example/x", "https://a.example/y", ""),
        ("https://a.example/", "https://b.example/y?q=secret", "b.example"),
        (
            "https://a.example/?utm_medium=email&utm_source=news",
            "https://b.example/",
            "news / email",
        ),
        ("https://a.example/?utm_source=", "https://b.example/", "b.example"),
        ("https://[half", "https://b.example/", ""),
        ("Hidden", "Hidden", ""),
        ("https://a.example/?utm_source=" + "x" * 300, "", "x" * 100),
    ],
)
def test_the_source_of_a_visit_is_its_campaign_or_another_website(url, referrer, source):
    assert source_of(url, referrer) == source
