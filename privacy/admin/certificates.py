"""Certificates of erasures: the list, each as a page, to print and as JSON; verifying all."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from adminsite.columns import Badge, Code, Column, Count, Moment, Short
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import changelist_url, field_table, preformatted
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_id, as_uuid
from contacts.erased_names import Names
from contacts.models import Erasure
from privacy.admin.permissions import may_see_certificates
from privacy.certificates import as_names, line_of_certificate
from privacy.models import Certificate
from privacy.verifying import Verified, fault_of, verify

_SHOWN_PROBLEMS = 20
# More than these take longer than a page may: there is one more with each erasure.
MOST_ON_A_PAGE = 5_000
_COMMAND = "python manage.py verify_certificates"
_STATES = {"good": ("As written", "good"), "bad": ("Not as written", "bad")}


def fault(certificate: Certificate) -> str:
    """What is wrong with it, looked at by itself and beside the one before."""
    before = certificate.hash_before  # type: ignore[attr-defined]  # of the queryset
    if before is None and certificate.number > 1:
        return f"Certificate {certificate.number - 1}, which it follows, is missing."
    return fault_of(certificate, before or "")


def state(certificate: Certificate) -> str:
    """Whether it is as it was written, as far as its own row and the one before can tell."""
    return "bad" if fault(certificate) else "good"


def tables(certificate: Certificate) -> SafeString | str:
    """How many rows were deleted of each kind."""
    return field_table((name, f"{count:,}") for name, count in sorted(certificate.tables.items()))


def told(certificate: Certificate) -> SafeString | str:
    """The destinations that were asked to delete the person, or could not be."""
    rows = (
        (one["name"], "Asked to delete the person" if one["asked"] else f"Not asked. {one['why']}")
        for one in certificate.destinations
    )
    return field_table(rows) if certificate.destinations else ""


def names(certificate: Certificate) -> SafeString | str:
    """Keyed hashes of the names of the person."""
    return preformatted("\n".join(certificate.names)) if certificate.names else ""


def source(certificate: Certificate) -> str:
    """What asked for the erasure."""
    return str(dict(Erasure.Reason.choices).get(certificate.source, certificate.source))


_NUMBER = Column("number")
_AT = Moment("at", "Erased", seconds=True)
_STATE = Badge(state, labels=_STATES)
_NOTHING = "Nothing about the person had left the hub for a destination"


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    list_title = "Certificates of erasures"
    list_display = (
        *(_NUMBER, _AT, Short("reason"), Short("by")),
        *(Count("people"), Count("rows"), _STATE),
    )
    list_filter = (("source", ChoicesDropdownFilter), ("at", TimeRangeFilter))
    list_before_template = "privacy/certificates/list.html"
    list_help = (
        "What was erased, when, by whom and why. Certificates name nobody: to find the one of a "
        "person, search for an email or a GUID that the person had."
    )
    search_fields = ("names",)
    search_help_text = "Number, or GUID or whole email of the person who was erased"
    ordering = ("-number",)
    sortable_by = ()
    empty_state = EmptyState(
        icon="verified_user",
        title="Nobody was erased yet",
        text=(
            "When a person is erased, by a request, a command, an application or a rule of "
            "retention, a certificate says here what was deleted, when, by whom and why."
        ),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    _STATE,
                    Column(fault, "What is wrong", empty="Nothing"),
                    Moment("began_at", "Begun", seconds=True),
                    _AT,
                    Column("by"),
                    Column("reason"),
                    Column(source, "Asked for by"),
                )
            },
        ),
        (
            "What was erased",
            {
                "fields": (
                    Count("people", "People who were erased together"),
                    Count("rows", "Rows"),
                    Column(tables, "Rows by kind", empty="None"),
                    Column(told, "Destinations", empty=_NOTHING),
                )
            },
        ),
        (
            "Proof",
            {
                "fields": (
                    Code("hash", "Hash (SHA-256)"),
                    Code("previous", "Hash of the one before", empty="None: it is the first"),
                    Code("seal", "Seal"),
                    Column(names, "Names of the person, as keyed hashes"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        before = Certificate.objects.filter(number=OuterRef("number") - 1).values("hash")
        return super().get_queryset(request).annotate(hash_before=Subquery(before))

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        if (number := as_id(term)) is not None:
            return queryset.filter(number=number)
        guid = as_uuid(term)
        named = Names(guids=[str(guid)]) if guid else Names(emails=[term])
        return queryset.filter(names__overlap=as_names(named.digests()))

    def get_urls(self) -> list:
        view = self.admin_site.admin_view
        return [
            path(
                "verify/",
                require_POST(view(self.verify_view)),
                name="privacy_certificate_verify",
            ),
            path(
                "<int:object_id>/print/",
                require_GET(view(self.print_view)),
                name="privacy_certificate_print",
            ),
            path(
                "<int:object_id>/download/",
                require_GET(view(self.download_view)),
                name="privacy_certificate_download",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        command = _COMMAND if _are_too_many() else ""
        return super().changelist_view(
            request, {"verify_command": command, **(extra_context or {})}
        )

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Verify all certificates, and say what came of it."""
        if not may_see_certificates(request.user):
            raise PermissionDenied
        if _are_too_many():
            text = (
                f"These are more than {MOST_ON_A_PAGE:,} certificates, too many to be verified by "
                f"a page. On the machine of the hub, run: {_COMMAND}"
            )
            self.message_user(request, text, messages.ERROR)
        else:
            self._tell(request, verify())
        return HttpResponseRedirect(changelist_url(Certificate))

    def print_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One certificate as a page of its own, to read and to print."""
        certificate = self._certificate(request, object_id)
        context = {
            "certificate": certificate,
            "fault": fault(certificate),
            "source": source(certificate),
            "tables": sorted(certificate.tables.items()),
        }
        return render(request, "privacy/certificates/print.html", context)

    def download_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One certificate as JSON, as the file of erasures has it."""
        certificate = self._certificate(request, object_id)
        content = line_of_certificate(certificate).content
        told = {"content": content, "hash": certificate.hash, "seal": certificate.seal}
        return HttpResponse(
            json.dumps(told, indent=2, ensure_ascii=False) + "\n",
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="certificate-{object_id}.json"'},
        )

    def _certificate(self, request: HttpRequest, number: int) -> Certificate:
        if not may_see_certificates(request.user):
            raise PermissionDenied
        found = self.get_object(request, str(number))
        if found is None:
            raise Http404("There is no such certificate.")
        assert isinstance(found, Certificate)
        return found

    def _tell(self, request: HttpRequest, result: Verified) -> None:
        for problem in result.problems[:_SHOWN_PROBLEMS]:
            self.message_user(request, problem.text, messages.ERROR)
        more = len(result.problems) - _SHOWN_PROBLEMS
        if more > 0:
            text = f"{more:,} more problems: verify_certificates lists all of them."
            self.message_user(request, text, messages.ERROR)
        for text in result.notes[:_SHOWN_PROBLEMS]:
            self.message_user(request, text, messages.WARNING)
        if result.is_ok:
            count = result.count
            text = (
                f"Verified: all {count:,} certificates are there, as they were written."
                if count != 1
                else "Verified: the one certificate is there, as it was written."
            )
            self.message_user(request, text, messages.SUCCESS)

    def render_change_form(self, request, context: dict[str, Any], *args, obj=None, **kwargs):
        context["title"] = str(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _are_too_many() -> bool:
    """Whether there are more certificates than a page verifies; they are numbered on end."""
    last = Certificate.objects.aggregate(Max("number"))["number__max"]
    return last is not None and last > MOST_ON_A_PAGE


register_item(
    SidebarItem(
        group="Privacy",
        position=50,
        title="Certificates",
        icon="verified_user",
        view="admin:privacy_certificate_changelist",
        may_see=may_see_certificates,
    )
)
