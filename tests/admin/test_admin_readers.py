"""How far readers are, in the words of the admin; and what the reader of activities keeps."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import ActivityType, ActivityTypeUse, ContactSeen
from adminsite.formatting import change_url, changelist_url
from contacts.models import Contact
from contacts.touching import touch
from readers.models import ReaderState
from tests.factories import make_activity, make_activity_type, make_contact

pytestmark = pytest.mark.django_db

AGAIN = "/admin/readers/readerstate/try-again/"


def cells(page, column):
    """What the column with this title says, row by row."""
    changelist = page.context["cl"]
    (show,) = [
        one for one in changelist.list_display if getattr(one, "short_description", "") == column
    ]
    return [str(show(row)) for row in changelist.result_list]


def test_the_list_says_how_much_waits(admin_client):
    ReaderState.objects.create(name="seen")
    page = admin_client.get(changelist_url(ReaderState))
    assert cells(page, "Waits to be read") == ["Nothing"]

    contact = make_contact()
    for _ in range(3):
        make_activity(contact)
    touch(contact.pk)

    page = admin_client.get(changelist_url(ReaderState))
    assert cells(page, "Waits to be read") == ["activities: 3, touched contacts: 1"]


def test_what_waits_is_counted_up_to_a_number(admin_client, monkeypatch):
    monkeypatch.setattr("readers.admin.COUNTED", 2)
    ReaderState.objects.create(name="seen")
    contact = make_contact()
    for _ in range(3):
        make_activity(contact)

    page = admin_client.get(changelist_url(ReaderState))

    assert cells(page, "Waits to be read") == ["activities: more than 2"]


def test_a_reader_that_fails_shows_why_and_when_it_is_tried_again(admin_client):
    state = ReaderState.objects.create(
        name="seen",
        attempts=3,
        last_error="ValueError: A poison row.",
        due_at=timezone.now() + timedelta(minutes=1),
    )

    page = admin_client.get(changelist_url(ReaderState))

    assert "Failed 3 times" in page.text
    assert "ValueError: A poison row." in page.text
    assert cells(page, "Next attempt") != ["-"]
    assert "ValueError: A poison row." in admin_client.get(change_url(state)).text


@pytest.fixture
def failing(db):
    """A reader that has failed, and that of a name which nothing declares any more."""
    due_at = timezone.now() + timedelta(minutes=5)
    states = [
        ReaderState(name=name, attempts=3, last_error="ValueError: A poison row.", due_at=due_at)
        for name in ("seen", "of before")
    ]
    return ReaderState.objects.bulk_create(states)[0]


def test_a_reader_that_failed_is_tried_again_at_once(admin_client, failing):
    make_activity(make_contact())
    page = admin_client.get(changelist_url(ReaderState))
    assert re.findall("Try “([^”]+)” again", page.text) == ["seen"]

    page = admin_client.post(AGAIN, {"reader": "seen"}, follow=True)

    failing.refresh_from_db()
    assert "A worker tries again in a moment." in page.text
    assert (failing.attempts, failing.due_at <= timezone.now()) == (3, True)
    assert cells(page, "Next attempt")[1] == "-"


def test_a_reader_that_works_is_not_tried_again(admin_client):
    due_at = timezone.now() + timedelta(minutes=5)
    ReaderState.objects.create(name="seen", due_at=due_at)

    page = admin_client.post(AGAIN, {"reader": "seen"}, follow=True)

    assert "“seen” works: there is nothing to try again." in page.text
    assert "Try “" not in page.text
    assert ReaderState.objects.get().due_at == due_at


@pytest.mark.parametrize("given", [{}, {"reader": "nothing"}, {"reader": "of before"}])
def test_readers_that_are_not_declared_are_not_found(admin_client, failing, given):
    assert admin_client.post(AGAIN, given).status_code == 404


def test_only_users_who_may_do_so_try_readers_again(log_in, failing):
    client = log_in("view_readerstate")

    page = client.get(changelist_url(ReaderState))

    assert "ValueError: A poison row." in page.text
    assert "Try “" not in page.text
    assert client.post(AGAIN, {"reader": "seen"}).status_code == 403
    assert client.get(AGAIN).status_code == 405
    failing.refresh_from_db()
    assert failing.due_at > timezone.now()


def test_a_reader_that_is_not_declared_any_more_says_so(admin_client):
    ReaderState.objects.create(name="of before")

    page = admin_client.get(changelist_url(ReaderState))

    assert cells(page, "Waits to be read") == ["There is no such reader any more"]


def test_a_contact_shows_when_it_was_seen(admin_client):
    contact = make_contact()
    first, last = timezone.now() - timedelta(days=20), timezone.now() - timedelta(days=2)
    ContactSeen.objects.create(contact=contact, first_seen=first, last_seen=last)

    in_list = admin_client.get(changelist_url(Contact)).text

    assert timezone.localtime(last).isoformat() in in_list


def test_activity_types_show_their_share_and_when_they_were_last_seen(admin_client):
    last = timezone.now() - timedelta(days=2)
    rare, unused = make_activity_type("rare"), make_activity_type("unused")
    visit = ActivityType.objects.get(code_name="pagevisit")
    ActivityTypeUse.objects.create(type=visit, count=2_989, last_at=last)
    ActivityTypeUse.objects.create(type=rare, count=11, last_at=last)

    page = admin_client.get(changelist_url(ActivityType))

    names = cells(page, "Activity type name")
    rows = {
        row.code_name: use
        for row, use in zip(
            page.context["cl"].result_list, cells(page, "Activities in all"), strict=True
        )
    }
    assert len(names) == len(rows)
    assert rows["pagevisit"] == "2,989 (100 %)"
    assert rows["rare"] == "11 (less than 1 %)"
    assert rows[unused.code_name] == "-"
    assert timezone.localtime(last).isoformat() in page.text
