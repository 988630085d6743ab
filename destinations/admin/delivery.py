"""Deliveries: the log of what went out, or did not and why, and the page of each."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from activities.admin.permissions import may_see_activities
from activities.models import Activity
from adminsite.columns import Badge, Code, Column, Count, Json, Link, Moment, Short, labels_of
from adminsite.filters import TimeRangeFilter
from adminsite.formatting import change_url, link, preformatted, pretty_json
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.searching import as_uuid
from contacts.admin.naming import ContactColumn
from contacts.admin.permissions import may_see_contacts
from contacts.admin.searching import contact_named
from database.lookups import Among
from destinations import control
from destinations.admin.masking import (
    masked_payload,
    masked_reason,
    masked_text,
    with_personal_names,
)
from destinations.admin.permissions import may_see_destinations, may_send_again
from destinations.admin.phrases import said_of
from destinations.models import Delivery, Destination
from destinations.signing import id_of

_Status = Delivery.Status
_KINDS = {
    _Status.WAITING: "info",
    _Status.DELIVERED: "good",
    _Status.FAILED: "bad",
    _Status.SKIPPED: "neutral",
}
STATUS = Badge("status", labels=labels_of(_KINDS))
_PREFIX = "msg_"


def what(delivery: Delivery) -> str:
    """What it tells of."""
    return delivery.get_kind_display()


def why(delivery: Delivery) -> str:
    """Why it was not delivered, or not yet."""
    return delivery.reason or _error_yet(delivery)


def why_without_payload(delivery: Delivery) -> str:
    """The same, without what it repeats of the message."""
    return masked_reason(delivery) or masked_text(delivery, _error_yet(delivery))


def _error_yet(delivery: Delivery) -> str:
    return "" if delivery.delivered_at else delivery.last_error


def about(delivery: Delivery) -> SafeString | str:
    """The activity of which it tells."""
    kind, _, key = delivery.source.partition(":")
    if kind != "activity" or not key.isdigit():
        return ""
    return link(change_url(Activity(pk=int(key))), "Show the activity")


def message_id(delivery: Delivery) -> str:
    """The ID by which the receiver knows the message at each attempt."""
    return id_of(delivery.message_id)


def next_attempt(delivery: Delivery) -> object:
    """When it is tried next, if it waits."""
    return delivery.due_at if delivery.status == _Status.WAITING else None


def answer(delivery: Delivery) -> SafeString | str:
    """The beginning of the text of the answer."""
    return preformatted(delivery.answer) if delivery.answer else ""


def answer_without_payload(delivery: Delivery) -> SafeString | str:
    """The same, without what it repeats of the message."""
    text = masked_text(delivery, delivery.answer)
    return preformatted(text) if text else ""


def reason_without_payload(delivery: Delivery) -> str:
    """Why it was not delivered, without what that repeats of the message."""
    return masked_reason(delivery)


def error_without_payload(delivery: Delivery) -> str:
    """What went wrong, without what that repeats of the message."""
    return masked_text(delivery, delivery.last_error)


def payload_without_contacts(delivery: Delivery) -> SafeString | None:
    """What goes out, without what tells of a contact."""
    return None if delivery.payload is None else pretty_json(masked_payload(delivery))


_DESTINATION = Link("destination", may_see=may_see_destinations, instead=Column("destination"))
_WHAT = Column(what, "What")
_WHY = Short(why, may_see=may_see_contacts, instead=Short(why_without_payload, "Why"))
_REASON = Column(
    "reason", may_see=may_see_contacts, instead=Column(reason_without_payload, "Reason")
)
_ERROR = Column(
    "last_error", may_see=may_see_contacts, instead=Column(error_without_payload, "Last error")
)
_ANSWER = Column(
    answer,
    "Text of the answer",
    may_see=may_see_contacts,
    instead=Column(answer_without_payload, "Text of the answer"),
)
_NOTHING = "Nothing: it may not go out, or was forgotten when the contact was erased"
_PAYLOAD = Json(
    "payload",
    "Message",
    empty=_NOTHING,
    may_see=may_see_contacts,
    instead=Column(payload_without_contacts, "Message, of a contact nothing", empty=_NOTHING),
)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        Moment("created_at", "Time", seconds=True),
        _WHAT,
        _DESTINATION,
        ContactColumn(),
        STATUS,
        Column("answer_status", "Answer", empty=""),
        Count("attempts"),
        _WHY,
    )
    list_filter = (
        ("destination", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("created_at", TimeRangeFilter),
    )
    list_select_related = ("destination", "contact")
    ordering = ("-created_at", "-id")
    sortable_by = ()
    actions = ("send_again",)
    search_fields = ("message_id",)
    search_help_text = "Message ID, or GUID or whole email of a contact"
    list_help = (
        "Every message to a destination: whether it arrived, what was answered, and why not."
    )
    fieldsets = (
        (None, {"fields": (STATUS, _REASON, _WHAT, _DESTINATION, ContactColumn())}),
        (
            "What happened",
            {
                "fields": (
                    Moment("created_at", "Made", seconds=True),
                    Moment(next_attempt, "Next attempt", seconds=True),
                    Count("attempts", "Attempts"),
                    Moment("attempted_at", "Last attempt", seconds=True),
                    Column("answer_status", "Answer"),
                    _ANSWER,
                    _ERROR,
                    Moment("delivered_at", "Delivered", seconds=True),
                )
            },
        ),
        (
            "What it tells",
            {
                "fields": (
                    Moment("occurred_at", "Time", seconds=True),
                    Column(about, may_see=may_see_activities),
                    Code(message_id, "Message ID"),
                    _PAYLOAD,
                )
            },
        ),
    )
    empty_state = EmptyState(
        icon="local_shipping",
        title="No deliveries yet",
        text=(
            "Every message to a destination is here, with what was answered. Add a destination, "
            "choose what goes out to it, and send a test."
        ),
        link_text="Destinations",
        link_view="admin:destinations_destination_changelist",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        deliveries = super().get_queryset(request).select_related("destination", "contact")
        return deliveries if may_see_contacts(request.user) else with_personal_names(deliveries)

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        # Without the right to see contacts, what a message says is looked for in its errors.
        return queryset.defer("answer", *(["payload"] if may_see_contacts(request.user) else []))

    def find(self, request: HttpRequest, queryset: QuerySet, term: str) -> QuerySet:
        given = as_uuid(term.removeprefix(_PREFIX))
        if given is not None and queryset.filter(message_id=given).exists():
            return queryset.filter(message_id=given)
        contact = contact_named(term, by_email=may_see_contacts(request.user))
        return queryset.none() if contact is None else queryset.filter(contact=contact)

    def search_help(self, request: HttpRequest) -> str:
        if may_see_contacts(request.user):
            return self.search_help_text
        return "Message ID, or GUID of a contact"

    def get_urls(self):
        again = path(
            "<path:object_id>/again/",
            require_POST(self.admin_site.admin_view(self.again_view)),
            name="destinations_delivery_again",
        )
        return [again, *super().get_urls()]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return may_send_again(request.user)

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Have the chosen messages go out once more."""
        self._send(request, list(queryset.values_list("pk", flat=True)))

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have one message go out once more."""
        if not self.has_view_permission(request) or not may_send_again(request.user):
            raise PermissionDenied
        delivery = self.get_object(request, unquote(object_id))
        if delivery is None:
            raise Http404("There is no such delivery.")
        self._send(request, [delivery.pk])
        return HttpResponseRedirect(change_url(delivery))

    def _send(self, request: HttpRequest, ids: list[int]) -> None:
        try:
            count = control.send_again(ids)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return
        if count:
            asked = Delivery.objects.filter(Among("pk", ids), payload__isnull=False).order_by()
            to = Destination.objects.filter(pk__in=asked.values("destination")).order_by("pk")
            text = said_of(count, to, "out in a moment", "with the same ID as before")
            self.message_user(request, text, messages.SUCCESS)
        if count < len(ids):
            text = "Messages that may not go out, or were forgotten, are not sent again."
            self.message_user(request, text, messages.WARNING)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            may_go_out = obj.payload is not None and obj.destination.deleted_at is None
            context["may_send"] = may_send_again(request.user) and may_go_out
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
