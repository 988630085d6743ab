"""What is measured of emails inside of Django, as `staging` is: in a `manage.py shell`."""

import json
import resource
import sys
import time
from itertools import batched
from uuid import uuid4

from django.test import override_settings

from automations.emails.preparing import prepare
from automations.entering import Entry, enter
from automations.jobs import EMAILS
from automations.models import Automation, Email, Run, Template
from automations.saving import save_automation
from benchmarks.hub import BenchmarkFailed
from consents.agreements import record_agreements
from consents.models import Consent
from consents.texts import save_text
from contacts.models import Contact
from jobs.working import work_off

# As many as a step of an automation prepares together.
_AT_ONCE = 200
_CONNECTIONS = 8
_EVENT, _FILE = "file download request", "https://files.example.com/1.pdf"
_BLOCKS = [
    {"type": "heading", "text": "Hello {{ contact.first_name | default: 'there' }}"},
    {"type": "text", "html": f"<p>Here it is. {'It has all that you need. ' * 20}</p>"},
    {"type": "button", "label": "Download", "url": "%EVENT: file download request%"},
    {"type": "divider"},
    {"type": "footer", "text": "Alder Bank, Main Street 1"},
]


def measure(count: int, port: int) -> None:
    """Print, as JSON, how many emails a second are prepared, and handed to a mail server.

    `megabytes` is the most memory that this process has had.
    """
    template, keys = _stage(count)
    began = time.perf_counter()
    for some in batched(keys, _AT_ONCE):
        prepare(template, list(Run.objects.in_bulk(some).values()), "send")
    prepared = count / (time.perf_counter() - began)
    settings = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_CONNECTIONS": _CONNECTIONS,
    }
    with override_settings(**settings):
        began = time.perf_counter()
        work_off(EMAILS)
        sent = count / (time.perf_counter() - began)
    if (missing := Email.objects.filter(template=template).exclude(status="sent").count()) > 0:
        raise BenchmarkFailed(f"{missing} of {count} emails were not sent.")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"prepared": prepared, "sent": sent, "megabytes": megabytes}
    sys.stdout.write(json.dumps(found))


def _stage(count: int) -> tuple[Template, list[int]]:
    """A template that needs a consent, and a run of each of so many contacts who have agreed.

    Of the runs only the keys are kept, so that the memory is that of preparing and sending.
    """
    name = f"benchmark-{uuid4().hex}"
    consent = Consent.objects.create(code_name=name, name=name)
    save_text(consent, language="en", short_text="<p>May we write to you?</p>")
    template = Template.objects.create(
        code_name=name, name=name, consent=consent, subject="Your file", blocks=_BLOCKS
    )
    automation = Automation(code_name=name, name=name, enabled=True)
    automation.steps = [{"type": "wait", "for": "1 day"}]
    save_automation(automation)
    keys = []
    for some in batched(range(count), _AT_ONCE):
        contacts = Contact.objects.bulk_create(
            Contact(email=f"{number}@{name}.example.com", first_name="Ada") for number in some
        )
        record_agreements(contacts, {consent: True})
        entries = [
            Entry(contact.pk, Run.Cause.CODE, event_name=_EVENT, event_data=_FILE)
            for contact in contacts
        ]
        keys += enter(automation, entries)
    return template, keys
