"""Lists of what grows without end are read in their order from an index, whatever is chosen."""

import uuid
from copy import copy
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from adminsite.formatting import changelist_url
from consents.models import ConsentAgreement
from contacts.models import Contact, ContactMerge
from destinations.models import Delivery
from tests.admin.history import make_history
from tests.factories import make_activity
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

NOW, HOUR = timezone.now(), timedelta(hours=1)
GROWING = (Activity, Contact, ConsentAgreement, RejectedActivity, ContactMerge, Delivery)
# Which list, filtered by what, and the index that leads to its first rows.
FILTERED = (
    (Activity, "type__id__exact={type}", "activities_of_a_type"),
    (Activity, "channel__id__exact={channel}", "activities_of_a_channel"),
    (Activity, "tracked_site__id__exact={site}", "activities_of_a_tracked_site"),
    (Activity, "type__id__exact={type}&occurred_at_to_0=2999-01-01", "activities_of_a_type"),
    (
        Activity,
        "channel__id__exact={channel}&occurred_at_to_0=2999-01-01",
        "activities_of_a_channel",
    ),
    (Activity, "occurred_at_from_0=2025-01-01", "activities_latest_first"),
    (Activity, "occurred_at_to_0=2025-01-01", "activities_latest_first"),
    (Contact, "created_at_to_0=2025-01-01", "contact_newest_first"),
    (Contact, "country=ISL", "contacts_of_a_country"),
    (ConsentAgreement, "consent__id__exact={consent}", "agreements_to_a_consent"),
    (ConsentAgreement, "at_to_0=2025-01-01", "agreement_newest_first"),
    (RejectedActivity, "channel__id__exact={channel}", "rejections_of_a_channel"),
    (RejectedActivity, "at_to_0=2025-01-01", "rejection_newest_first"),
    (Delivery, "destination__id__exact={destination}", "deliveries_by_time"),
    (Delivery, "status__exact=failed", "deliveries_that_ended"),
    (Delivery, "kind__exact=test", "deliveries_of_other_kinds"),
    (Delivery, "created_at_to_0=2025-01-01", "deliveries_latest_first"),
)


def _name(value):
    return value if isinstance(value, str) else value._meta.model_name


@pytest.fixture
def chosen():
    """The ids that filters are given: those of a few rows among many."""
    make_history()
    activity, agreement = Activity.objects.get(), ConsentAgreement.objects.get()
    copies(activity)
    copies(agreement)
    copies(RejectedActivity.objects.get())
    copies_of_delivery(Delivery.objects.get())
    make_history()
    activity, agreement = Activity.objects.latest("pk"), ConsentAgreement.objects.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE activities_activity, activities_rejectedactivity, contacts_contact,"
            " contacts_contactmerge, consents_consentagreement, destinations_delivery"
        )
    return {
        "type": activity.type_id,
        "channel": activity.channel_id,
        "site": activity.tracked_site_id,
        "consent": agreement.consent_id,
        "destination": Delivery.objects.latest("pk").destination_id,
    }


def copies(row):
    rows = [copy(row) for _ in range(500)]
    for one in rows:
        one.pk = None
    type(row).objects.bulk_create(rows)


def copies_of_delivery(delivery):
    """Copies of which most have arrived, as it is."""
    rows = [copy(delivery) for _ in range(500)]
    for number, one in enumerate(rows):
        one.pk, one.source, one.message_id = None, f"change:{number}", uuid.uuid4()
        if number % 50:
            one.status, one.delivered_at = "delivered", NOW
    Delivery.objects.bulk_create(rows)


def list_plan(client, model, query=""):
    """How PostgreSQL reads the first page of a list if it sorts only where it has to."""
    return plan_of(
        client.get(changelist_url(model, query)).context["cl"].queryset[:51],
        without=("seqscan", "bitmapscan", "sort", "incremental_sort", "hashjoin", "mergejoin"),
        large=False,
    )


@pytest.mark.parametrize("model", GROWING, ids=_name)
def test_a_list_is_not_sorted_anew(admin_client, chosen, model):
    assert "Sort" not in list_plan(admin_client, model)


@pytest.mark.parametrize(("model", "query", "index"), FILTERED, ids=_name)
def test_a_filtered_list_is_read_from_an_index(admin_client, chosen, model, query, index):
    plan = list_plan(admin_client, model, query.format(**chosen))

    assert "Sort" not in plan
    assert index in plan
    assert "Index Cond" in plan


def test_activities_are_in_the_order_of_time(admin_client):
    first, second = make_activity(occurred_at=NOW), make_activity(occurred_at=NOW - HOUR)

    page = admin_client.get(changelist_url(Activity)).context["cl"].result_list

    assert list(page) == [first, second]


def test_activities_of_a_type_and_a_channel_are_found_in_the_index_alone(admin_client, chosen):
    query = "type__id__exact={type}&channel__id__exact={channel}".format(**chosen)

    plan = list_plan(admin_client, Activity, query)

    assert "Sort" not in plan
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "activities_of_a_channel" in plan
    assert "channel_id" in condition
    assert "type_id" in condition


def test_what_one_contact_did_is_read_from_an_index(admin_client, chosen):
    plan = list_plan(admin_client, Activity, f"q={Activity.objects.latest('pk').contact.guid}")

    assert "Sort" not in plan
    assert "activities_of_a_contact" in plan


def test_merges_are_not_joined_with_all_contacts(admin_client, chosen):
    plan = list_plan(admin_client, ContactMerge)

    assert "contacts_contact " not in plan
