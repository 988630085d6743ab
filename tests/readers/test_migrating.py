"""A hub of before gets what readers need: no table is written anew, and every row is read."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from activities.logs import ACTIVITIES
from activities.models import Activity
from activities.problems import Status
from activities.quality import count_events, quality_of
from activities.seen import catch_up
from consents.agreements import record_agreement
from consents.logs import AGREEMENTS
from consents.models import ConsentAgreement
from contacts.logs import MERGES
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.readers.log import ids_read, keeper
from tests.readers.waiting import read_next

TABLES = ["activities_activity", "consents_consentagreement", "contacts_contactmerge"]
BEFORE = [
    ("activities", "0013_data_inputs_are_jobs"),
    ("consents", "0006_timeline_of_a_contact"),
    ("contacts", "0010_timeline_of_a_contact"),
]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]


def migrate(targets=None):
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())


def files():
    """Where the rows of the tables are: elsewhere if a table was written anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(pg_relation_filenode(one)) FROM unnest(%s::text[]) one", [TABLES]
        )
        return cursor.fetchone()[0]


def request(survivor):
    reason = ContactMerge.Reason.MARKETER
    return request_merge(survivor=survivor, loser=make_contact(), reason=reason)


def pks_of(model):
    return list(model.objects.order_by("pk").values_list("pk", flat=True))


def test_a_hub_of_before_is_read_from_its_beginning():
    contact, channel, consent = make_contact(), make_channel(), make_consent()
    for _ in range(3):
        make_activity(contact, channel=channel)
        record_agreement(contact, consent, agreed=True)
    carry_out_merges([request(contact).pk])
    waiting = request(contact)
    migrate(BEFORE)
    # As recording counted it then, one of them with a remark.
    now = timezone.now()
    counts = {Status.VALID: 2, Status.INVALID_ACCEPTED: 1}
    count_events({(channel.pk, status): count for status, count in counts.items()}, now)
    old_files = files()

    migrate()

    assert files() == old_files
    assert quality_of([channel.pk], now)[channel.pk].counts == counts
    catch_up()
    assert quality_of([channel.pk], now)[channel.pk].counts == counts
    make_activity(contact, channel=channel)
    record_agreement(contact, consent, agreed=False)
    carry_out_merges([waiting.pk])
    reader = keeper(ACTIVITIES, AGREEMENTS, MERGES)
    while read_next(reader, 2):
        pass
    assert ids_read(ACTIVITIES) == pks_of(Activity)
    assert ids_read(AGREEMENTS) == pks_of(ConsentAgreement)
    # What was merged before needs no one to follow.
    assert ids_read(MERGES) == [waiting.pk]
