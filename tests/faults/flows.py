"""Contacts who run through an automation while the hub suffers, and what has become of them."""

import http.client
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid5

import psycopg

from tests.config.hub import manage, wait_until
from tests.faults.load import connect

# Each contact orders once, by an activity with an id of the client.
_NAMESPACE = UUID("7d1f6b8e-6f0a-4f0e-8a3e-1e4a4f6f4c11")
_APPS = 4
_SECONDS_TO_ANSWER = 10
_SECONDS_BETWEEN_ATTEMPTS = 0.05
_SECONDS_TO_FINISH = 60
# What dead workers had claimed is due again after a minute, and then perhaps another one dies.
_SECONDS_TO_GET_OVER_IT = 240

# A transactional email, which is sent again if nobody knows whether it was; a step that leaves a
# trace wherever it is done twice; an email that is not sent again.
AUTOMATION = """
- {kind: consent, code_name: News, name: News, texts: {en: {short: "<p>News?</p>"}}}
- {kind: activity_type, code_name: custom_order, name: Order}
- {kind: activity_type, code_name: custom_thanked, name: Thanked}
- kind: template
  code_name: receipt
  name: Receipt
  subject: "Receipt {{ contact.last_name }}"
  blocks: [{type: text, html: "<p>%EVENT: custom_order%</p>"}]
- kind: template
  code_name: news
  name: News
  consent: News
  subject: "News {{ contact.last_name }}"
  blocks: [{type: text, html: "<p>News</p>"}]
- kind: automation
  code_name: orders
  name: Orders
  enabled: true
  trigger: {type: activity, activities: [custom_order]}
  steps:
  - {type: email, template: receipt}
  - {type: wait, for: 1 second}
  - {type: log_activity, activity: custom_thanked, value: "%EVENT: custom_order%"}
  - {type: email, template: news}
"""
STEPS = 4

_MAKE_CONTACTS = """
from channels.keys import create_api_key
from channels.models import Channel
from consents.agreements import record_agreements
from consents.models import Consent
from contacts.models import Contact
from django.db import transaction
channel = Channel.objects.create(code_name="shop")
print(channel.guid, create_api_key(channel, name="Test")[1])
for name in %(names)r:
    emails = [f"{name}{number}@example.com" for number in range(%(count)s)]
    with transaction.atomic():
        contacts = Contact.objects.bulk_create(
            Contact(email=email, email_key=email, last_name=f"{name}{number}")
            for number, email in enumerate(emails)
        )
        record_agreements(contacts, {Consent.objects.get(code_name="News"): True}, language="en")
    print(*(contact.guid for contact in contacts))
"""


def make_orders(hub, mailbox, folder, *, names, count):
    """The orders to come of so many contacts for each name, in a hub that has the automation."""
    file = folder / "orders.yaml"
    file.write_text(AUTOMATION)
    done = manage(hub.home, "load_config", str(file))
    assert done.returncode == 0, done.stderr
    made = hub.shell(_MAKE_CONTACTS % {"names": list(names), "count": count})
    shop, *lines = made.splitlines()
    channel, key = shop.split()
    return [
        Orders(hub, mailbox, name, contacts.split(), channel=channel, key=key)
        for name, contacts in zip(names, lines, strict=True)
    ]


@dataclass
class Became:
    """What has become of the orders of some contacts.

    :ivar runs: by status
    :ivar emails: by template and status
    :ivar doubled: Message-IDs that came more often than once and once for each time that it was
        uncertain whether they had
    :ivar lost: those of sent emails that never came
    :ivar uncertain: how often it was uncertain of an email
    """

    runs: Counter
    passages: int
    thanked: Counter
    emails: Counter
    doubled: set
    lost: set
    uncertain: int


class Orders:
    """New contacts, each of whom orders once, and what the automation makes of it."""

    def __init__(self, hub, mailbox, name, contacts, *, channel, key):
        self.name, self.contacts, self.count = name, contacts, len(contacts)
        self._hub, self._mailbox, self._channel = hub, mailbox, channel
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    @contextmanager
    def coming_in(self):
        """Have everybody order, each until the hub has acknowledged it; the block need not wait."""
        with ThreadPoolExecutor(_APPS) as apps:
            orders = [apps.submit(self._order, contact) for contact in self.contacts]
            yield
            for order in orders:
                order.result()

    def wait_for_passages(self, share):
        """Wait until so much of all that is to be done was done."""
        wanted = share * self.count * STEPS

        def is_so_far():
            (found,) = self._ask(_COUNT_PASSAGES) or [(0,)]
            return found[0] >= wanted

        wait_until(is_so_far, seconds=_SECONDS_TO_FINISH)

    def wait_until_over(self):
        """Wait until everybody was let in, no run goes on, and no email waits."""
        wait_until(self._is_over, seconds=_SECONDS_TO_GET_OVER_IT)

    def became(self):
        """What has become of it."""
        came = Counter(
            one.message_id.strip("<>")
            for one in self._mailbox.received()
            if one.recipient.startswith(self.name)
        )
        emails = self._ask(_EMAILS)
        uncertain = Counter({message_id: times for *_, message_id, times in emails if times})
        sent = {message_id for _, status, message_id, _ in emails if status == "sent"}
        return Became(
            runs=Counter(status for (status,) in self._ask(_RUNS)),
            passages=self._ask(_COUNT_PASSAGES)[0][0],
            thanked=Counter(contact for (contact,) in self._ask(_THANKED)),
            emails=Counter((template, status) for template, status, *_ in emails),
            doubled={one for one, times in came.items() if times > 1 + uncertain[one]},
            lost=sent - came.keys(),
            uncertain=uncertain.total(),
        )

    def _is_over(self):
        runs = Counter(status for (status,) in self._ask(_RUNS))
        if runs["done"] + runs["stopped"] < self.count:
            return False
        statuses = {status for _, status, *_ in self._ask(_EMAILS)}
        return not statuses & {"prepared", "handing_over"}

    def _ask(self, sql):
        """The rows that a question finds; none while the database is away."""
        try:
            with connect(self._hub.home) as database:
                return database.execute(sql, {"name": f"{self.name}%"}).fetchall()
        except (OSError, IndexError, psycopg.OperationalError):
            return []

    def _order(self, contact):
        activity = {"type": "custom_order", "value": f"Order of {contact}"}
        activity["id"] = str(uuid5(_NAMESPACE, contact))
        body = {"channel": self._channel, "contact": contact, "activities": [activity]}
        give_up_at = time.monotonic() + _SECONDS_TO_FINISH
        while time.monotonic() < give_up_at:
            if self._send(json.dumps(body)):
                return
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        raise AssertionError("the hub does not answer")

    def _send(self, body):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._hub.port, timeout=_SECONDS_TO_ANSWER
        )
        with closing(connection):
            try:
                connection.request("POST", "/Kentico.Tracking/activities", body, self._headers)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                return False
        return response.status == 207


_CONTACTS = "contact_id IN (SELECT id FROM contacts_contact WHERE last_name LIKE %(name)s)"
_RUNS = f"SELECT status FROM automations_run WHERE {_CONTACTS}"
_COUNT_PASSAGES = (
    "SELECT count(*) FROM automations_passage WHERE run_id IN "
    f"(SELECT id FROM automations_run WHERE {_CONTACTS})"
)
_THANKED = (
    "SELECT contact_id FROM activities_activity WHERE type_id = "
    f"(SELECT id FROM activities_activitytype WHERE code_name = 'custom_thanked') AND {_CONTACTS}"
)
_EMAILS = (
    "SELECT t.code_name, e.status, e.message_id, e.times_uncertain FROM automations_email e "
    f"JOIN automations_template t ON t.id = e.template_id WHERE e.{_CONTACTS}"
)
