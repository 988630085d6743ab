"""The tab “Timeline” of a contact's page, and the address from which it gets older entries."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from adminsite.permissions import AnyUser
from contacts.admin.permissions import may_write_about
from contacts.admin.sections import ContactSection, SectionContent, count_text, register_section
from contacts.admin.timeline import Position, kinds_for, query_of, read_page
from contacts.admin.timeline_form import TimelineForm
from contacts.models import Contact

_NOTE = UnfoldAdminTextareaWidget()


def older_entries(request: HttpRequest, contact: Contact) -> HttpResponse:
    """The next page of the timeline, without the page around it."""
    context = {"contact": contact, **_page(request, contact)}
    after = context["after"]
    context |= {"is_continued": True, "after_day": after and timezone.localtime(after.at).date()}
    return TemplateResponse(request, "contacts/timeline/entries.html", context)


def _build(request: HttpRequest, contact: Contact) -> SectionContent:
    context = _page(request, contact)
    page = context["page"]
    return SectionContent(
        context=context,
        count=count_text(page.count, is_cut=page.older is not None),
        facts=[
            fact
            for kind in kinds_for(request.user)
            if kind.facts is not None
            for fact in kind.facts(contact, request.user)
        ],
    )


def _page(request: HttpRequest, contact: Contact) -> dict:
    """What the templates need for the page that the query of `request` says."""
    kinds = kinds_for(request.user)
    only = request.GET.get("kind", "")
    if only not in {kind.name for kind in kinds}:
        only = ""
    form = TimelineForm(request)
    after = Position.parse(request.GET.get("before", ""))
    asked: dict[str, Any] = {"text": form.text, "choices": form.choices}
    page = read_page(
        contact,
        request.user,
        only=only,
        after=after,
        within_session=request.GET.get("within") == "session",
        **asked,
    )
    older = ""
    if page.older:
        older = query_of(
            only=only, after=page.older, within_session=page.is_within_session, **asked
        )
    part = reverse("admin:contacts_contact_timeline", args=[contact.pk])
    names = [("", "Everything"), *((kind.name, kind.title) for kind in kinds)]
    return {
        "page": page,
        "only": only,
        "after": after,
        "form": form,
        "filters": [(name, title, query_of(only=name, **asked)) for name, title in names],
        "newest": query_of(only=only, **asked),
        "may_write": may_write_about(request.user, contact),
        "note_field": _NOTE.render("text", "", {"id": "new-note", "rows": 3, "required": True}),
        "older_url": older and f"?{older}#timeline",
        "older_attrs": {"hx-get": f"{part}?{older}"},
        # A search goes on when it is asked to; all else by itself, as it comes into sight.
        "scroll_url": f"{part}?{older}&scrolled=1" if older and not page.looked_until else "",
        "is_scrolled": "scrolled" in request.GET,
    }


def _may_see(user: AnyUser) -> bool:
    return bool(kinds_for(user))


register_section(
    ContactSection(
        slug="timeline",
        title="Timeline",
        position=10,
        may_see=_may_see,
        template="contacts/timeline/section.html",
        build=_build,
    )
)
