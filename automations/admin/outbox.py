"""The outbox: what a hub without a mail server would have sent."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from adminsite.columns import Column, Moment, Short
from adminsite.formatting import field_table, visible
from adminsite.navigation import SidebarItem, register_item
from adminsite.options import EmptyState, ReadOnlyAdmin
from adminsite.permissions import AnyUser
from automations.admin.frames import framed_email
from automations.admin.permissions import may_see_outbox
from automations.models import OutboxMessage


def may_see_outbox_in_use(user: AnyUser) -> bool:
    """Whether this user may see the outbox of a hub whose emails go there."""
    return not settings.HAS_MAIL_SERVER and may_see_outbox(user)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_title = "Outbox"
    list_display = (
        Moment("at", "Time", seconds=True),
        Short("subject", empty="(no subject)"),
        Short("recipients", "To"),
        Short("sender", "From"),
    )
    ordering = ("-at", "-id")
    sortable_by = ()
    list_help = (
        "The hub has no mail server, so nobody gets these emails. They are kept for a week. Set "
        "EMAIL_URL to send emails."
    )
    fields = (
        Moment("at", "Time", seconds=True),
        Column("recipients", "To"),
        Column("sender", "From"),
        Column("subject", empty="(no subject)"),
    )
    empty_state = EmptyState(
        icon="outbox",
        title="Nothing in the outbox",
        text=(
            "As long as the hub has no mail server, the emails that automations send come here, "
            "and you can read them and follow their links."
        ),
    )

    def get_list_queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.defer("raw")

    def has_view_permission(self, request: HttpRequest, obj=None) -> bool:
        return may_see_outbox(request.user)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj is not None:
            message = message_from_bytes(bytes(obj.raw), policy=default)
            assert isinstance(message, EmailMessage)
            html = _body(message, "html")
            context |= {
                "frame": framed_email(html) if html else "",
                "plain": _body(message, "plain"),
                "headers": field_table(
                    (name, visible(str(value))) for name, value in message.items()
                ),
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


register_item(
    SidebarItem(
        group="Automations",
        position=50,
        title="Outbox",
        icon="outbox",
        view="admin:automations_outboxmessage_changelist",
        may_see=may_see_outbox_in_use,
    )
)
