"""Emails in the admin: which were sent, what became of each, and why some were not."""

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)

from adminsite.columns import Badge, Code, Column, Count, Link, Moment, Short, labels_of
from adminsite.dashboard import CardContent, DashboardCard, Figure, register_card
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url, changelist_url
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_id
from automations.admin.frames import framed_email, without_doing
from automations.admin.permissions import (
    may_see_automations,
    may_see_emails,
    may_see_templates,
    may_send_emails,
)
from automations.admin.phrases import read_loosely, short_phrase
from automations.admin.showing import subject_of
from automations.emails.sending_again import CannotSend, send_again
from automations.models import Automation, Email, EmailEvent
from automations.steps import all_steps
from contacts.admin.naming import ContactColumn, NamingAdmin
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import contact_named
from groups.admin.filters import filter_by_group

Status = Email.Status

_KINDS = {
    Status.PREPARED: "info",
    Status.HANDING_OVER: "info",
    Status.SENT: "good",
    Status.UNCERTAIN: "warning",
    Status.FAILED: "bad",
    Status.HELD: "neutral",
}
STATUS = Badge("status", labels=labels_of(_KINDS))
_TEMPLATE = Link(
    "template",
    empty="Deleted",
    may_see=may_see_templates,
    instead=Column("template", empty="Deleted"),
)
_SUBJECT = Short(subject_of, "Subject", may_see=may_see_contacts, instead=_TEMPLATE)
_PREPARED = Moment("prepared_at", "Prepared")
_SENT = Moment("sent_at", "Sent")
# An email that a user may have sent.
_NOT_SENT = (Status.HELD, Status.FAILED, Status.UNCERTAIN, Status.PREPARED)
_ENDED_UNSENT = (Status.HELD, Status.FAILED, Status.UNCERTAIN)


def permission_text(email: Email) -> str:
    """What the contact has to have agreed to."""
    if email.is_transactional:
        return "Transactional: part of what the contact has asked for"
    return f"Needs agreement to “{email.consent}”" if email.consent else "A deleted consent"


def automation(email: Email) -> object:
    """The automation in which it was sent."""
    return email.run.automation if email.run else None


class UncertainFilter(DropdownFilter):
    """Emails of which it was uncertain whether they were sent, also those sent again since."""

    title = "uncertain"
    parameter_name = "uncertain"

    def lookups(self, request, model_admin):
        return [("ever", "Ever was uncertain")]

    def queryset(self, request, queryset):
        return queryset.filter(times_uncertain__gt=0) if self.value() == "ever" else queryset


class NotSentFilter(SimpleListFilter):
    """Emails that a step did not send, or perhaps not, as its card counts them.

    The step is said as `17.4f1b2c3d`: the automation, and the key of the step.
    """

    title = "not sent at the step"
    parameter_name = "step"

    def lookups(self, request, model_admin):
        asked = request.GET.get(self.parameter_name, "")
        return [(asked, _said(asked))] if asked else []

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        automation, key = _step_in(self.value() or "")
        return queryset.filter(run__automation=automation, step=key, status__in=_ENDED_UNSENT)


def _step_in(text: str) -> tuple[int, str]:
    automation, _, key = text.partition(".")
    return as_id(automation) or 0, key


def _said(step: str) -> str:
    pk, key = _step_in(step)
    automation = Automation.objects.filter(pk=pk).first()
    steps = all_steps(read_loosely(automation.steps)) if automation else ()
    phrases = [short_phrase(one) for one in steps if one.key == key]
    return f"{automation}, {phrases[0]}" if phrases else "A step that is gone"


@admin.register(Email)
class EmailAdmin(ReadOnlyAdmin, NamingAdmin):
    list_display = (_PREPARED, _SUBJECT, ContactColumn(), STATUS, _SENT, Short("reason"))
    list_filter = (
        ("status", ChoicesDropdownFilter),
        UncertainFilter,
        NotSentFilter,
        ("template", RelatedDropdownFilter),
        ("prepared_at", TimeRangeFilter),
    )
    ordering = ("-prepared_at", "-id")
    sortable_by = ()
    search_fields = ("message_id",)
    search_help_text = "Message-ID, or GUID or whole email of a contact"
    names_contacts = ("contact",)
    fieldsets = (
        (None, {"fields": (STATUS, "reason", ContactColumn(), _TEMPLATE)}),
        (
            "Sending",
            {
                "fields": (
                    Column("recipient", "To", may_see=may_see_contacts),
                    Column("sender", "From"),
                    Column("reply_to"),
                    Column(permission_text, "Permission"),
                    Link(automation, may_see=may_see_automations, instead=Column(automation)),
                    Code("message_id", "Message-ID"),
                )
            },
        ),
        (
            "What happened",
            {
                "fields": (
                    Moment("prepared_at", "Prepared", seconds=True),
                    Moment("handed_over_at", "Last attempt", seconds=True),
                    Moment("sent_at", "Sent", seconds=True),
                    Count("attempts", "Attempts that failed"),
                    Column("last_error"),
                    Count("times_uncertain", "Times uncertain"),
                    Moment("uncertain_at", "Uncertain since", seconds=True),
                )
            },
        ),
    )
    empty_state = EmptyState(
        icon="mail",
        title="No emails yet",
        text=(
            "Every email that an automation sends is here, with what became of it. Write a "
            "template, draw an automation with the step “Send an email”, and switch it on."
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("contact", "template")

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.defer("html", "text")

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        contact = contact_named(term, by_email=may_see_contacts(request.user))
        if contact is not None:
            return queryset.filter(contact=contact)
        return queryset.filter(message_id=term.strip("<>"))

    def get_object(self, request, object_id, from_field=None):
        email = super().get_object(request, object_id, from_field)
        if email is not None:
            sees = may_see_contacts(request.user)
            email.subject = subject_of(email) if sees else str(email.template or "An email")
        return email

    def get_urls(self):
        send = path(
            "<path:object_id>/send/",
            require_POST(self.admin_site.admin_view(self.send_view)),
            name="automations_email_send",
        )
        return [send, *super().get_urls()]

    def send_view(self, request, object_id):
        if not may_send_emails(request.user):
            raise PermissionDenied
        email = self.get_object(request, unquote(object_id))
        if email is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            send_again(email)
            text = "A worker sends the email in a moment, if the contact may get it."
            self.message_user(request, text, messages.SUCCESS)
        except CannotSend as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(email))

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            sees = may_see_contacts(request.user)
            context |= {
                "events": _events_of(obj),
                "may_send": obj.status in _NOT_SENT and may_send_emails(request.user),
                "is_uncertain": obj.status == Status.UNCERTAIN,
                "frame": framed_email(without_doing(obj.html)) if sees and obj.html else "",
                "plain": obj.text if sees else "",
                "is_hidden": not sees,
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _events_of(email: Email) -> list[EmailEvent]:
    return list(email.events.order_by("at", "pk"))


def _uncertain(request: HttpRequest) -> CardContent:
    count = Email.objects.filter(status=Status.UNCERTAIN).count()
    if not count:
        return CardContent()
    return CardContent(
        figures=[
            Figure(
                name="Uncertain emails",
                icon="contact_support",
                value=f"{count:,}",
                note="The mail server may have them or not",
                url=changelist_url(Email, "status__exact=uncertain"),
                is_urgent=True,
            )
        ]
    )


filter_by_group(Email)
register_card(DashboardCard(position=85, may_see=may_see_emails, build=_uncertain))
register_item(
    SidebarItem(
        group="Automations",
        position=30,
        title="Emails",
        icon="mail",
        view="admin:automations_email_changelist",
        may_see=may_see_emails,
    )
)
