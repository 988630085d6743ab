"""Emails in the database, for tests."""

from uuid import uuid4

from django.db.models.functions import Now

from automations.jobs import EMAILS, TRANSACTIONAL_EMAILS
from automations.models import Email
from jobs.working import work_off
from tests.factories import make_contact


def make_email(contact=None, **fields):
    """A transactional email that was prepared, unless the fields say otherwise."""
    contact = contact or make_contact(email=f"{uuid4().hex}@example.com")
    fields.setdefault("is_transactional", fields.get("consent") is None)
    return Email.objects.create(
        contact=contact,
        **{
            "message_id": f"{uuid4().hex}@alder.example",
            "recipient": contact.email,
            "sender": "Alder Bank <hub@alder.example>",
            "subject": "Your file",
            "html": "<p>It is here.</p>",
            "text": "It is here.\n",
            **fields,
        },
    )


def send(emails=None):
    """Let a worker do what is due."""
    work_off(TRANSACTIONAL_EMAILS)
    work_off(EMAILS)


def send_again_later():
    """Let a worker do what waits, as if its time had come."""
    for job in (TRANSACTIONAL_EMAILS, EMAILS):
        Email.objects.filter(job.waiting).update(due_at=Now())
    send()


def state_of(email):
    """The email as the database has it now."""
    return Email.objects.get(pk=email.pk)
