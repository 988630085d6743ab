"""When contacts and activity types were last seen, as a reader keeps it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from activities.data_input import apply_data_inputs_of
from activities.erasing import erase_contact
from activities.models import Activity, ActivityType, ActivityTypeUse, ContactSeen, DataInput
from activities.seen import SEEN, hold_counts
from contacts.touching import touch
from readers import reading
from readers.models import ReaderState
from tests.contacts.merged import merge
from tests.factories import make_activity, make_activity_type, make_channel, make_contact
from tests.readers.waiting import catch_up, read_next
from tests.threads import run_at_once
from tests.work import do_merges

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()


def ago(**time):
    return NOW - timedelta(**time)


def seen(contact):
    return (
        ContactSeen.objects.filter(contact=contact).values_list("first_seen", "last_seen").first()
    )


def uses():
    return {
        use.type.code_name: (use.count, use.last_at)
        for use in ActivityTypeUse.objects.select_related("type")
    }


def test_a_contact_is_seen_from_its_oldest_to_its_newest_activity():
    contact, quiet = make_contact(), make_contact()
    make_activity(contact, occurred_at=ago(days=2))
    make_activity(contact, occurred_at=ago(days=3))
    read_next(SEEN)
    assert seen(contact) == (ago(days=3), ago(days=2))

    make_activity(contact, occurred_at=ago(days=1))
    make_activity(contact, occurred_at=ago(days=2))
    make_activity(contact, occurred_at=ago(days=9))  # an app that was offline
    read_next(SEEN)

    assert seen(contact) == (ago(days=9), ago(days=1))
    assert seen(quiet) is None


def test_a_type_has_a_count_and_a_last_use():
    custom = make_activity_type()
    make_activity(occurred_at=ago(days=1))
    make_activity(occurred_at=ago(days=2))
    make_activity(type=custom, occurred_at=ago(days=400))
    read_next(SEEN)

    assert uses() == {
        "pagevisit": (2, ago(days=1)),
        "custom_loan_calculator": (1, ago(days=400)),
    }

    make_activity(type=custom, occurred_at=ago(days=500))
    read_next(SEEN)
    assert uses()["custom_loan_calculator"] == (2, ago(days=400))


def test_the_version_of_a_type_does_not_change_when_it_is_used():
    """Or processes would read the rules of types again and again."""
    version = ActivityType.objects.values_list("version", flat=True).get(code_name="pagevisit")
    make_activity()
    read_next(SEEN)

    assert ActivityType.objects.get(code_name="pagevisit").version == version


def test_a_merge_makes_one_of_what_was_seen():
    survivor, loser = make_contact(), make_contact()
    make_activity(survivor, occurred_at=ago(days=2))
    make_activity(loser, occurred_at=ago(days=5))
    make_activity(loser, occurred_at=ago(days=1))
    read_next(SEEN)

    merge(survivor, loser)
    read_next(SEEN)

    assert seen(survivor) == (ago(days=5), ago(days=1))
    assert seen(loser) is None
    assert uses() == {"pagevisit": (3, ago(days=1))}


def test_what_came_late_to_a_merged_contact_is_the_survivors_when_the_merge_settles():
    survivor, loser = make_contact(), make_contact()
    merge(survivor, loser)
    make_activity(loser, occurred_at=ago(days=1))
    read_next(SEEN)
    assert seen(survivor) is None

    do_merges()
    do_merges()
    read_next(SEEN)

    assert seen(survivor) == (ago(days=1), ago(days=1))
    assert seen(loser) is None


def test_a_data_input_that_is_another_contacts_is_where_that_one_was_seen():
    sender, owner = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    data_input = ActivityType.objects.get(code_name="datainput")
    activity = make_activity(sender, type=data_input, occurred_at=ago(days=1))
    make_activity(sender, occurred_at=ago(days=3))
    DataInput.objects.create(contact=sender, activity=activity, fields={"email": "bob@example.com"})
    read_next(SEEN)
    assert seen(sender) == (ago(days=3), ago(days=1))

    apply_data_inputs_of(sender.pk)
    read_next(SEEN)

    assert seen(sender) == (ago(days=3), ago(days=3))
    assert seen(owner) == (ago(days=1), ago(days=1))


def test_a_contact_without_activities_is_not_seen_any_more():
    contact = make_contact()
    make_activity(contact)
    read_next(SEEN)

    with transaction.atomic():
        Activity.objects.filter(contact=contact)._raw_delete("default")
        touch(contact.pk)
    read_next(SEEN)

    assert seen(contact) is None


def test_erasing_leaves_nothing_of_what_was_seen():
    erased, other = make_contact(), make_contact()
    custom = make_activity_type()
    make_activity(erased, occurred_at=ago(days=1))
    make_activity(erased, type=custom, occurred_at=ago(days=1))
    make_activity(other, occurred_at=ago(days=2))
    read_next(SEEN)

    erase_contact(erased.pk)
    read_next(SEEN)

    assert seen(other) == (ago(days=2), ago(days=2))
    assert ContactSeen.objects.count() == 1
    assert uses() == {"pagevisit": (1, ago(days=2)), "custom_loan_calculator": (0, None)}


def test_erasing_and_reading_at_once_keep_the_counts_right():
    channel = make_channel()
    contacts = [make_contact() for _ in range(6)]
    for contact in contacts * 20:
        make_activity(contact, channel=channel, occurred_at=ago(days=1))
    over = threading.Event()

    def read():
        while not over.is_set():
            read_next(SEEN, 7)

    def erase():
        for contact in contacts[:3]:
            erase_contact(contact.pk)
        over.set()

    run_at_once(read, read, erase)
    catch_up()

    assert not ReaderState.objects.exclude(last_error="").exists()
    assert uses() == {"pagevisit": (60, ago(days=1))}
    assert set(ContactSeen.objects.values_list("contact", flat=True)) == {
        contact.pk for contact in contacts[3:]
    }


def test_the_reader_waits_while_counts_are_held():
    contact = make_contact()
    make_activity(contact)

    def read():
        reading.read_next(SEEN)
        connections.close_all()

    with transaction.atomic():
        hold_counts()
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        assert seen(contact) is None

    read_next(SEEN)
    assert seen(contact) is not None


def test_a_batch_takes_one_statement():
    for _ in range(3):
        make_activity()
    read_next(SEEN)
    make_activity()
    make_activity()
    written = []

    def keep(execute, sql, params, many, context):
        if sql.lstrip().startswith(("INSERT", "UPDATE", "WITH")):
            written.append(sql.split()[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        read_next(SEEN)

    # What is counted, and then the position and the state.
    assert written == ["WITH", "UPDATE", "UPDATE"]
