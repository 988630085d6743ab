"""The tab “Requests” of a contact's page: what the person has asked for, and a new request."""

from django.http import HttpRequest
from django.urls import reverse

from adminsite.formatting import link_to
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.models import Contact
from privacy.admin.permissions import may_add_requests, may_see_requests
from privacy.admin.request_page import STATUS, due_badge
from privacy.models import PersonRequest
from privacy.models.requests import BY_DUE, written
from privacy.requests.people import requests_of

_SHOWN = 50


def _section(request: HttpRequest, contact: Contact) -> SectionContent:
    rows = list(requests_of(contact.pk).order_by(*BY_DUE)[: _SHOWN + 1])
    open_ones = sum(row.is_open for row in rows)
    is_live = contact.merged_into_id is None
    add_url = f"{reverse('admin:privacy_personrequest_add')}?contact={contact.pk}"
    return SectionContent(
        context={
            "requests": [_line(row) for row in rows[:_SHOWN]],
            "is_cut": len(rows) > _SHOWN,
            "add_url": add_url if is_live and may_add_requests(request.user) else "",
        },
        count=count_text(open_ones),
    )


def _line(row: PersonRequest) -> dict[str, object]:
    return {
        "link": link_to(row, row.get_kind_display()),
        "received": written(row.received_on),
        "status": STATUS(row),
        "due": due_badge(row) if row.is_open else "",
    }


register_section(
    ContactSection(
        slug="requests",
        title="Requests",
        position=60,
        may_see=may_see_requests,
        template="privacy/sections/requests.html",
        build=_section,
    )
)
