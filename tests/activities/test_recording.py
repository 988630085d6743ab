"""Recording: repeats count once, whatever happens at once; Python code goes the same way."""

from functools import partial
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from activities.drafts import Draft
from activities.models import Activity, ActivityClaim, ActivityType, RejectedActivity
from activities.problems import InvalidActivity
from activities.recording import (
    Source,
    log_custom_activity,
    record_activities,
    record_for_contacts_soon,
)
from consents.agreements import record_agreement
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from database.loop import finish
from tests.factories import make_activity_type, make_channel, make_consent, make_contact
from tests.threads import run_at_once

# Of a transaction in the one of the test, and of what is done in it.
SAVEPOINTS = 4


def source_for(channel):
    return Source(door="test", channel=channel, request_id=uuid4())


def clicks(*client_ids):
    return [Draft(type="click", value="Buy", client_id=client_id) for client_id in client_ids]


@pytest.mark.django_db(transaction=True)
def test_one_client_id_at_once_is_stored_once_and_always_accepted():
    contact, channel, client_id = make_contact(), make_channel(), uuid4()
    record = partial(
        record_activities, clicks(client_id), contact_guid=contact.guid, source=source_for(channel)
    )

    results = run_at_once(*[record] * 8)

    assert all(outcome.accepted for (outcome,) in results)
    assert Activity.objects.count() == ActivityClaim.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_same_ids_in_opposite_order_at_once_do_not_wait_for_each_other():
    contact, channel = make_contact(), make_channel()
    ids = [uuid4() for _ in range(200)]

    def record(client_ids):
        return record_activities(
            clicks(*client_ids), contact_guid=contact.guid, source=source_for(channel)
        )

    run_at_once(*[partial(record, ids), partial(record, ids[::-1])] * 3)

    assert Activity.objects.count() == 200


@pytest.mark.django_db
def test_client_ids_are_unique_per_channel():
    contact, client_id = make_contact(), uuid4()

    for channel in (make_channel(), make_channel()):
        record_activities(clicks(client_id), contact_guid=contact.guid, source=source_for(channel))

    assert Activity.objects.count() == 2


@pytest.mark.django_db
def test_stale_contact_is_resolved_when_the_activity_is_written():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    record_activities(clicks(None), contact_guid=loser.guid, source=source_for(make_channel()))

    activity = Activity.objects.get()
    assert (activity.contact, activity.logged_as) == (survivor, loser.guid)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("more", "queries"),
    # One call of a function in the database; or ids, contact and types, claims, the rows, the line
    # of the inspector, the counts.
    [([], 1), ([Draft(type="nothing")], 7)],
    ids=["usual", "unusual"],
)
def test_recording_takes_the_same_queries_for_one_and_for_many(
    django_assert_num_queries, more, queries
):
    contact, source = make_contact(), source_for(make_channel())
    # From now on, the types are known.
    record_activities(clicks(None), contact_guid=contact.guid, source=source)

    for count in (1, 300):
        drafts = [*clicks(*[uuid4() for _ in range(count)]), *more]
        with django_assert_num_queries(SAVEPOINTS + queries):
            record_activities(drafts, contact_guid=contact.guid, source=source)


@pytest.mark.django_db
def test_asking_many_for_their_consent_takes_the_queries_of_a_few(django_assert_num_queries):
    consent, newsletter = make_consent(), make_consent("Newsletter")
    source = source_for(make_channel(tracking_consent=consent, enforce_consent=True))
    people = [make_contact() for _ in range(40)]
    for number, contact in enumerate(people):
        record_agreement(contact, newsletter, agreed=True)
        if number % 4 < 3:
            record_agreement(contact, consent, agreed=number % 4 != 0)
            record_agreement(contact, consent, agreed=number % 4 != 1)

    for some in (people[:4], people[4:]):
        # Ids, contacts and types; answers; the rows, the lines of the inspector, the count.
        with django_assert_num_queries(SAVEPOINTS + 7):
            by_guid = {contact.guid: clicks(None) for contact in some}
            finish(record_for_contacts_soon(by_guid, source=source))

    agreed = [contact for number, contact in enumerate(people) if number % 4 in (0, 2)]
    assert [activity.contact for activity in Activity.objects.order_by("pk")] == agreed


@pytest.mark.django_db
def test_log_custom_activity_goes_the_way_of_every_activity():
    contact, channel = make_contact(), make_channel()
    make_activity_type("custom_loan_calculator", name="Loan calculator usage")

    log_custom_activity(
        "custom_loan_calculator",
        contact=contact,
        channel=channel,
        title="Loan calculated",
        value="50000",
        properties={"years": 10},
    )

    activity = Activity.objects.get()
    assert (activity.title, activity.value) == ("Loan calculated", "50000")
    assert (activity.contact, activity.channel) == (contact, channel)
    assert activity.properties == {"years": 10}


@pytest.mark.django_db
@pytest.mark.parametrize("code_name", ["no_such_type", "custom_off"])
def test_log_custom_activity_raises_and_keeps_what_was_refused(code_name):
    make_activity_type("custom_off", enabled=False)

    with pytest.raises(InvalidActivity):
        log_custom_activity(code_name, contact=make_contact(), channel=make_channel(), value="x")

    assert RejectedActivity.objects.get().door == "python"
    assert not Activity.objects.exists()


@pytest.mark.django_db
def test_log_custom_activity_refuses_system_types():
    with pytest.raises(InvalidActivity):
        log_custom_activity("PageVisit", contact=make_contact(), channel=make_channel())


@pytest.mark.django_db
def test_system_types_cannot_be_deleted_or_given_another_code_name():
    click = ActivityType.objects.get(code_name="click")

    with pytest.raises(ValidationError, match="System activity types cannot be deleted"):
        click.delete()
    click.code_name = "tap"
    with (
        pytest.raises(IntegrityError, match="system_types_keep_their_code_names"),
        transaction.atomic(),
    ):
        click.save()

    assert ActivityType.objects.get(pk=click.pk).code_name == "click"
