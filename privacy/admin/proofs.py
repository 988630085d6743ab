"""Proof of consent in the admin: of a contact, and of somebody who was erased."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter

from adminsite.audit import note
from adminsite.columns import Badge, Column, Link, Moment, Short
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url
from adminsite.navigation import ListLink, SidebarItem, register_item, register_list_link
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_uuid
from consents.admin.agreement import LedgerLink, register_ledger_link, text_that_was_shown, where
from contacts.models import Contact
from privacy.access.permissions import may_see_proofs
from privacy.models import KeptAgreement
from privacy.proofs.proof import NEVER_KEPT, Proof, as_html, as_json, kept_proof, proof_of

_LONGEST_NAME = 254
_ANSWER = Badge("agreed", "Answer", labels={True: ("Agreed", "good"), False: ("Revoked", "bad")})


@admin.register(KeptAgreement)
class KeptAgreementAdmin(ReadOnlyAdmin):
    list_display = (
        Moment("at", "Time"),
        Link("consent"),
        _ANSWER,
        Column(text_that_was_shown),
        Column(where),
        Short("came_by", "How it came"),
        Moment("kept_at", "Erased"),
    )
    list_select_related = ("consent", "text", "channel", "tracked_site")
    list_filter = (
        ("consent", RelatedDropdownFilter),
        ("agreed", BooleanRadioFilter),
        ("kept_at", TimeRangeFilter),
    )
    ordering = ("-at", "-id")
    sortable_by = ()
    list_title = "Proof after erasure"
    list_help = (
        "Answers to consents of people who were erased since. Who they were is not kept: type the "
        "whole email or GUID of one under “Find by email” to find theirs."
    )
    fields = (
        _ANSWER,
        Link("consent"),
        Moment("at", "Time"),
        Column(text_that_was_shown),
        Column(where),
        Column("came_by", "How it came"),
        Moment("kept_at", "Erased"),
    )
    empty_state = EmptyState(
        icon="verified",
        title="Nobody who answered was erased",
        text=(
            "When a person is erased, their answers to consents stay here, with text, time and "
            "place, under a keyed hash of their email: as proof, and without who they were."
        ),
    )

    def get_urls(self) -> list:
        def url(route: str, view: Any, name: str) -> Any:
            view = require_http_methods(["GET", "POST"])(view)
            name = f"privacy_keptagreement_{name}"
            return path(route, self.admin_site.admin_view(view), name=name)

        return [
            url("contact/<int:contact_id>/", self.contact_view, "contact"),
            url("erased/", self.erased_view, "erased"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: KeptAgreement | None = None) -> bool:
        return may_see_proofs(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        agreements = super().get_queryset(request).select_related(*self.list_select_related)
        return agreements.defer("text__short_text", "text__full_text", "names")

    def contact_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """The proof of a contact; a POST downloads it."""
        if not may_see_proofs(request.user):
            raise PermissionDenied
        try:
            proof = proof_of(contact_id)
        except Contact.DoesNotExist:
            raise Http404("There is no such contact.") from None
        contact = Contact(pk=contact_id)
        if request.method == "POST":
            note("Downloaded the proof of consents.", model=contact)
            return _as_download(request, proof)
        context = {"contact_url": f"{change_url(contact)}#consents", "opts": Contact._meta}
        return self._page(request, "Proof of consents", proof, context)

    def erased_view(self, request: HttpRequest) -> HttpResponse:
        """The proof of somebody who was erased, by the email or GUID that a POST names."""
        if not may_see_proofs(request.user):
            raise PermissionDenied
        name = request.POST.get("name", "").strip()[:_LONGEST_NAME].replace("\0", "")
        proof = kept_proof(str(as_uuid(name) or name)) if name else None
        if name:
            note("Looked for the proof of somebody erased.", model=KeptAgreement)
        if proof is not None and "as" in request.POST:
            return _as_download(request, proof)
        context = {"asks": True, "name": name, "found_nothing": bool(name) and proof is None}
        return self._page(request, "Proof by email of somebody erased", proof, context)

    def _page(
        self, request: HttpRequest, title: str, proof: Proof | None, more: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **more,
            "title": title,
            "proof": proof,
            "never": NEVER_KEPT,
        }
        response = TemplateResponse(request, "privacy/proof.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response


def _as_download(request: HttpRequest, proof: Proof) -> HttpResponse:
    is_json = request.POST.get("as") == "json"
    content: str | bytes = as_json(proof) if is_json else as_html(proof)
    kind = "application/json" if is_json else "text/html; charset=utf-8"
    name = f"proof-of-consents-{timezone.localdate():%Y-%m-%d}.{'json' if is_json else 'html'}"
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _proof_url(contact: Contact) -> str:
    return reverse("admin:privacy_keptagreement_contact", args=[contact.pk])


register_ledger_link(LedgerLink("Proof of consents", "verified_user", may_see_proofs, _proof_url))
register_list_link(
    KeptAgreement,
    ListLink(
        title="Find by email",
        icon="person_search",
        may_see=may_see_proofs,
        url_of=lambda request: reverse("admin:privacy_keptagreement_erased"),
    ),
)
register_item(
    SidebarItem(
        group="Privacy",
        position=60,
        title="Proof after erasure",
        icon="verified",
        view="admin:privacy_keptagreement_changelist",
        may_see=may_see_proofs,
    )
)
