"""The abandoned cart: an activity lets in, the run waits for another, and sends an email if not."""

from datetime import timedelta

import pytest

from activities.models import ActivityType
from automations.models import Email, Run
from consents.agreements import record_agreement
from tests.automations.entries import follow, on_activity
from tests.automations.mails import make_template
from tests.automations.running import make_automation, passed, work, work_at_once
from tests.factories import make_activity, make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db(transaction=True)

BOUGHT = {
    "match": "all",
    "conditions": [{"type": "activity", "activities": ["purchase"], "since": "entry"}],
}
STEPS = (
    {"key": "wait", "type": "wait", "rule": BOUGHT, "at_most": "1 hour"},
    {
        "key": "bought",
        "type": "if",
        "rule": BOUGHT,
        "then": [],
        "else": [{"key": "email", "type": "email", "template": "cart"}],
    },
)


@pytest.fixture
def shop():
    """Switched on, and read up to now."""
    for name in ("cart", "purchase"):
        make_activity_type(name)
    automation = make_automation(*STEPS, trigger=on_activity("cart"))
    follow()
    return automation


def did(contact, name):
    return make_activity(contact, type=ActivityType.objects.get(code_name=name))


def test_who_does_not_buy_within_the_hour_gets_an_email(shop):
    make_template(code_name="cart", consent=None)
    contact = make_contact(email="ada@example.com")
    did(contact, "purchase")
    did(contact, "cart")
    follow()
    run = work(Run.objects.get())
    assert (run.step, passed(run)) == ("wait", [])
    work(run, later=timedelta(hours=1))
    assert passed(run) == [("wait", "timeout"), ("bought", "else"), ("email", "done")]
    assert Email.objects.get().recipient == "ada@example.com"


def test_who_buys_is_woken_at_once_and_gets_none(shop):
    make_template(code_name="cart", consent=None)
    contact = make_contact(email="ada@example.com")
    did(contact, "cart")
    follow()
    run = work(Run.objects.get())
    did(contact, "purchase")
    follow()
    work(run)
    assert (run.status, passed(run)) == ("done", [("wait", "then"), ("bought", "then")])
    assert not Email.objects.exists()


def test_who_revokes_while_the_run_waits_leaves_before_the_email(shop):
    consent = make_consent("Newsletter")
    make_template(code_name="cart", consent=consent)
    contacts = [make_contact(email=f"{name}@example.com") for name in ("ada", "bob", "eve")]
    for contact in contacts[:2]:
        record_agreement(contact, consent, agreed=True)
    for contact in contacts:
        did(contact, "cart")
    follow()
    work()
    record_agreement(contacts[0], consent, agreed=False)
    work(later=timedelta(hours=1))
    ada, bob, eve = (Run.objects.get(contact=contact) for contact in contacts)
    assert (ada.status, ada.step, ada.reason != "") == ("stopped", "email", True)
    assert (bob.status, eve.status) == ("done", "done")
    # Who never answered is not taken out: the email alone is held back.
    assert eve.passages.get(step="email").detail.startswith("Held back: ")
    assert Email.objects.get(status="prepared").contact == contacts[1]


def test_a_template_that_is_deleted_while_contacts_wait_holds_them_up_until_there_is_one(shop):
    template = make_template(code_name="cart", consent=None)
    did(make_contact(email="ada@example.com"), "cart")
    follow()
    run = work(Run.objects.get())
    template.delete()
    work(run, later=timedelta(hours=1))
    assert (run.status, run.step, run.attempts) == ("running", "email", 1)
    assert run.last_error == "There is no template “cart”."
    make_template(code_name="cart", consent=None)
    assert work_at_once(run).status == "done"
    assert Email.objects.count() == 1
