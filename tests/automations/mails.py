"""Templates, and emails as they are once they are prepared or sent."""

import itertools
import uuid
from datetime import timedelta

from django.utils import timezone

from automations.emails.links import links_for, message_of
from automations.models import Email, EmailEvent, Template
from tests.factories import make_contact

_numbers = itertools.count(1)


def make_template(**fields):
    """A transactional template, unless the fields say otherwise."""
    number = next(_numbers)
    return Template.objects.create(
        **{
            "code_name": f"letter-{number}",
            "name": f"Letter {number}",
            "subject": "Hello",
            **fields,
        }
    )


def make_email(contact=None, *, template=None, **fields):
    """An email that was sent an hour ago."""
    contact = contact or make_contact(email=f"reader-{next(_numbers)}@example.com")
    template = template or make_template()
    an_hour_ago = timezone.now() - timedelta(hours=1)
    return Email.objects.create(
        contact=contact,
        template=template,
        **{
            "status": Email.Status.SENT,
            "message_id": f"{uuid.uuid4().hex}@example.com",
            "consent": template.consent,
            "is_transactional": template.is_transactional,
            "recipient": contact.email,
            "sender": "Hub <hub@example.com>",
            "subject": "Hello",
            "html": "<p>Hello</p>",
            "text": "Hello",
            "handed_over_at": an_hour_ago,
            "sent_at": an_hour_ago,
            **fields,
        },
    )


def add_event(email, kind, **fields):
    """That this became of the email, a moment ago unless the fields say otherwise."""
    return EmailEvent.objects.create(
        email=email, contact=email.contact, template=email.template, kind=kind, **fields
    )


def links_of(email):
    """All links that this email can have, as paths."""
    return _Paths(links_for(email.message_id, email.template, True, True), email)


class _Paths:
    def __init__(self, links, email):
        self._links, self.message = links, message_of(email.message_id)

    def __getattr__(self, name):
        link = getattr(self._links, name)
        return path_of(link) if isinstance(link, str) else lambda target: path_of(link(target))


def path_of(url):
    """The path of an address of the hub."""
    return "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url
