"""A worker dies at any instant of the way from an event to an email: each step happens once."""

from collections import Counter

import pytest
from django.db.models.functions import Now

from activities.models import Activity
from activities.recording import Source, record_activities
from automations.jobs import EMAILS, RUNS, TRANSACTIONAL_EMAILS
from automations.models import Email, Passage, Run
from channels.models import Channel
from exchange.files import read_items
from exchange.loading import load_items
from tests.automations.dying import workers
from tests.factories import make_activity_type, make_channel, make_contact
from tests.faults.mailbox import Mailbox
from tracking.headless.translation import read_activities, read_members

pytestmark = pytest.mark.django_db(transaction=True)

AUTOMATION = """
- kind: template
  code_name: receipt
  name: Receipt
  subject: Receipt
  blocks: [{type: text, html: "<p>%EVENT: custom_order%</p>"}]
- kind: automation
  code_name: orders
  name: Orders
  enabled: true
  trigger: {type: activity, activities: [custom_order]}
  steps:
  - {type: log_activity, activity: custom_thanked, value: "%EVENT: custom_order%"}
  - {type: email, template: receipt}
  - {type: set_field, field: city, value: "%EVENT: custom_order%"}
"""
STEPS = 3
LAST_INSTANT = 200


@pytest.fixture
def automation(tmp_path):
    make_activity_type("custom_order")
    make_activity_type("custom_thanked")
    file = tmp_path / "orders.yaml"
    file.write_text(AUTOMATION)
    load_items(read_items([file]))


def order(number):
    contact = make_contact(email=f"{number}@example.com")
    body = f'{{"activities": [{{"type": "custom_order", "value": "Order {number}"}}]}}'
    (outcome,) = record_activities(
        read_activities(read_members(body.encode())),
        contact_guid=contact.guid,
        source=Source(door="headless", channel=Channel.objects.get(), request_id=contact.guid),
    )
    assert outcome.problem is None
    return contact


def let_leases_end():
    """What a dead worker had claimed is due, as it is after a minute or two."""
    for job in (RUNS, EMAILS, TRANSACTIONAL_EMAILS):
        job.model.objects.filter(job.waiting).update(due_at=Now())


def test_each_step_happens_once_at_whatever_instant_a_worker_dies(automation, tmp_path):
    make_channel()
    with (
        Mailbox(tmp_path / "received") as mailbox,
        workers(tmp_path / "home", EMAIL_URL=mailbox.url) as dying,
    ):
        assert not dying.die_at(0)  # readers begin
        for instant in range(1, LAST_INSTANT):
            contact = order(instant)
            died = dying.die_at(instant)
            let_leases_end()
            assert not dying.die_at(0)

            assert_happened_once(contact, f"Order {instant}", mailbox, instant)
            if not died:
                break

    assert instant > 20
    assert instant < LAST_INSTANT - 1


def assert_happened_once(contact, value, mailbox, instant):
    run = Run.objects.get(contact=contact)
    email = Email.objects.get(contact=contact)
    contact.refresh_from_db()
    came = Counter(one.message_id for one in mailbox.received() if one.recipient == contact.email)
    assert (run.status, email.status, contact.city) == ("done", "sent", value), instant
    assert Passage.objects.filter(run=run).count() == STEPS, instant
    thanked = Activity.objects.filter(contact=contact, type__code_name="custom_thanked")
    assert [activity.value for activity in thanked] == [value], instant
    assert came.keys() == {f"<{email.message_id}>"}, instant
    assert came.total() <= 1 + email.times_uncertain, instant
    assert email.times_uncertain <= 1, instant
